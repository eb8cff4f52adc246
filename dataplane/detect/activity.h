// SPDX-License-Identifier: Apache-2.0
// How much a source, prefix or destination sent lately: packet weights of the last five slots, for the 100 ms window, and a sum that decays with
// a time constant of one second. Slots are numbered by time (nanoseconds / slot_ns); the ring moves on when it is touched.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "dataplane/detect/poisson.h"
#include "dataplane/detect/slot.h"

namespace gabion::detect {

class Activity {
public:
    static constexpr double slow_span = 1.0;  // seconds that slow() stands for, once as much has passed

    void advance(std::uint32_t slot) noexcept {
        const std::uint32_t steps = slot - slot_;
        if (steps == 0 || steps > 0x80000000u) return;  // a late summary counts into the newest slot
        for (std::uint32_t i = 0; i < std::min(steps, window_slots); ++i)
            recent_[(slot - i) % window_slots] = {};
        history_ = steps < 64 ? history_ << steps : 0;
        const auto decay = static_cast<float>(std::exp(-static_cast<double>(steps) * decay_per_slot));
        slow_ *= decay;
        slow_square_ *= decay;
        slot_ = slot;
    }

    // `scale`: the most packets that one of the samples stands for.
    void add(std::uint32_t slot, double weight, double scale) noexcept {
        advance(slot);
        Recent& now = recent_[slot_ % window_slots];
        now.weight += static_cast<float>(weight);
        now.square += static_cast<float>(weight * scale);
        history_ |= 1;
        slow_ += static_cast<float>(weight);
        slow_square_ += static_cast<float>(weight * scale);
    }

    [[nodiscard]] double window() const noexcept { return sum(&Recent::weight); }
    [[nodiscard]] double slow() const noexcept { return static_cast<double>(slow_); }
    [[nodiscard]] unsigned slots_seen() const noexcept { return static_cast<unsigned>(std::popcount(history_)); }
    [[nodiscard]] double samples() const noexcept {
        const double weight = window();
        return weight > 0 ? weight * weight / sum(&Recent::square) : 0;
    }

    // Above the bound in the window or over the last second, beyond sampling error and in so many slots: packets may come in
    // bursts.
    [[nodiscard]] bool surely_above(double bound_pps, double window_s, unsigned slots) const noexcept {
        if (slots_seen() < slots) return false;
        const double weight = window();
        if (weight > 0 && detect::surely_above(weight, sum(&Recent::square) / weight, bound_pps, window_s)) return true;
        return slow_ > 0 &&
               detect::surely_above(slow(), static_cast<double>(slow_square_ / slow_), bound_pps, slow_span);
    }

    // Takes out what another one of the same slot contributed to this one.
    void remove(const Activity& part) noexcept {
        for (unsigned i = 0; i < window_slots; ++i) {
            recent_[i].weight = std::max(0.0f, recent_[i].weight - part.recent_[i].weight);
            recent_[i].square = std::max(0.0f, recent_[i].square - part.recent_[i].square);
        }
        slow_ = std::max(0.0f, slow_ - part.slow_);
        slow_square_ = std::max(0.0f, slow_square_ - part.slow_square_);
    }

    void forget() noexcept {
        const std::uint32_t slot = slot_;
        *this = Activity{};
        slot_ = slot;
    }

private:
    struct Recent {
        float weight = 0;
        float square = 0;
    };
    static constexpr double decay_per_slot = static_cast<double>(slot_ns) / 1e9 / slow_span;

    [[nodiscard]] double sum(float Recent::*member) const noexcept {
        double total = 0;
        for (const Recent& slot : recent_)
            total += static_cast<double>(slot.*member);
        return total;
    }

    std::array<Recent, window_slots> recent_{};
    std::uint64_t history_ = 0;  // bit i: seen i slots ago
    std::uint32_t slot_ = 0;
    float slow_ = 0;
    float slow_square_ = 0;
};

}  // namespace gabion::detect
