// SPDX-License-Identifier: Apache-2.0
// What is usual: median and MAD (Hampel, "The influence curve and its role in robust estimation", JASA 1974; 1.4826 MAD estimates the
// standard deviation of a normal) of the last 64 values learned in calm times, one a second. The first values set it; from
// then on the median follows by at most `step` a value, so that whoever climbs slowly is followed slowly.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace gabion::detect {

class RobustBaseline {
public:
    static constexpr unsigned values_max = 64;
    static constexpr unsigned learned_from = 8;  // values after which it counts as learned

    void learn(float value, float step) noexcept {
        values_[next_] = value;
        next_ = (next_ + 1) % values_max;
        if (count_ < values_max) ++count_;
        const float middle = median_of(values_);
        std::array<float, values_max> distance{};
        for (unsigned i = 0; i < count_; ++i)
            distance[i] = std::abs(values_[i] - middle);
        const float spread = median_of(distance);
        if (count_ <= learned_from) {
            median_ = middle;
            mad_ = spread;
            return;
        }
        median_ += std::clamp(middle - median_, -step, step);
        mad_ += std::clamp(spread - mad_, -step, step);
    }

    [[nodiscard]] bool learned() const noexcept { return count_ >= learned_from; }
    [[nodiscard]] float median() const noexcept { return median_; }
    [[nodiscard]] float deviation() const noexcept { return 1.4826f * mad_; }

    // Whether what was read from a file can be used.
    [[nodiscard]] bool sane() const noexcept { return count_ <= values_max && next_ < values_max && mad_ >= 0; }

private:
    [[nodiscard]] float median_of(std::array<float, values_max> values) const noexcept {
        const auto middle = values.begin() + count_ / 2;
        std::nth_element(values.begin(), middle, values.begin() + count_);
        return *middle;
    }

    std::array<float, values_max> values_{};
    std::uint32_t count_ = 0;
    std::uint32_t next_ = 0;
    float median_ = 0;
    float mad_ = 0;
};

}  // namespace gabion::detect
