// SPDX-License-Identifier: Apache-2.0
// Durations in fixed memory: a log-linear histogram of nanoseconds, eight cells to a power of two, so that a quantile told is at most an
// eighth above the true one; what is longer than 17 s counts as that. For one thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace gabion {

class LatencyHistogram {
public:
    void add(std::uint64_t ns) noexcept {
        ++cells_[cell_of(ns)];
        ++count_;
        worst_ns_ = std::max(worst_ns_, ns);
    }

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint64_t worst_ns() const noexcept { return worst_ns_; }

    // The least duration that a share of `q` (0 to 1) does not exceed, rounded up to the end of its cell; 0 when nothing was added.
    [[nodiscard]] std::uint64_t quantile_ns(double q) const noexcept {
        const auto wanted = static_cast<double>(count_) * q;
        std::uint64_t below = 0;
        for (unsigned cell = 0; cell < cell_count; ++cell) {
            below += cells_[cell];
            if (below > 0 && static_cast<double>(below) >= wanted) return std::min(end_of(cell), worst_ns_);
        }
        return worst_ns_;
    }

private:
    static constexpr unsigned fraction_bits = 3;
    static constexpr unsigned linear = 1u << fraction_bits;
    static constexpr unsigned bits_max = 34;
    static constexpr unsigned cell_count = (bits_max - fraction_bits + 1) * linear;

    // Below 16 a cell a nanosecond; from there on the highest bit and the three behind it.
    static unsigned cell_of(std::uint64_t ns) noexcept {
        ns = std::min(ns, (std::uint64_t{1} << bits_max) - 1);
        const auto bits = static_cast<unsigned>(std::bit_width(ns));
        if (bits <= fraction_bits) return static_cast<unsigned>(ns);
        const unsigned shift = bits - fraction_bits - 1;
        return shift * linear + static_cast<unsigned>(ns >> shift);
    }
    // The largest value of a cell.
    static std::uint64_t end_of(unsigned cell) noexcept {
        if (cell < 2 * linear) return cell;
        const unsigned shift = cell / linear - 1;
        return ((std::uint64_t{linear} + cell % linear + 1) << shift) - 1;
    }

    std::array<std::uint64_t, cell_count> cells_{};
    std::uint64_t count_ = 0;
    std::uint64_t worst_ns_ = 0;
};

}  // namespace gabion
