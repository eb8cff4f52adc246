// SPDX-License-Identifier: Apache-2.0
// Two brakes on what detectors decide about sources.
//
// Offenders: who was cut off before stays longer, x1, 2, 4, ... 32. Each `forgive_ns` of good behaviour after the end takes one
// step back. The memory is bounded: when it is full, whoever offended longest ago is forgotten.
//
// BlastRadius: how many addresses detectors may cut off in a time, over a sliding window in 16 parts. A prefix counts with the
// addresses it holds (IPv6: with the /56s, which are what one customer gets; RIPE-690, section 4.2).
//
// Times are boot time in ns. For one thread.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <unordered_map>

#include "dataplane/core/address.h"

namespace gabion::ban {

class Offenders {
public:
    static constexpr std::uint8_t level_max = 5;

    Offenders(std::size_t capacity, std::uint64_t forgive_ns) noexcept : capacity_(capacity), forgive_ns_(forgive_ns) {}

    // The factor for an offence that begins now. It is noted as ending at `until_ns` by `note_end`.
    std::uint32_t multiplier(const Prefix& source, std::uint64_t now_ns) const noexcept;
    void note_offence(const Prefix& source, std::uint64_t now_ns, std::uint64_t until_ns);
    void note_end(const Prefix& source, std::uint64_t until_ns) noexcept;

    // The operator says that it was none.
    void forgive(const Prefix& source) noexcept;

    struct Offender {
        Prefix source;
        std::uint8_t level = 0;      // of the next offence
        std::uint64_t until_ns = 0;  // end of the last
    };
    [[nodiscard]] const std::list<Offender>& all() const noexcept { return by_age_; }  // oldest first
    void restore(const Offender& offender);

private:
    [[nodiscard]] std::uint8_t level_at(const Offender& offender, std::uint64_t now_ns) const noexcept;

    std::size_t capacity_;
    std::uint64_t forgive_ns_;
    std::list<Offender> by_age_;
    std::unordered_map<Prefix, std::list<Offender>::iterator, PrefixHash> known_;
};

class BlastRadius {
public:
    BlastRadius(std::uint64_t addresses, std::uint64_t window_ns) noexcept
        : limit_(addresses), part_ns_(window_ns / parts + 1) {}

    // Another limit, another window. A new window begins empty.
    void configure(std::uint64_t addresses, std::uint64_t window_ns) noexcept {
        const std::uint64_t refused = refused_;
        if (window_ns / parts + 1 != part_ns_) *this = BlastRadius(addresses, window_ns);
        limit_ = addresses;
        refused_ = refused;
    }

    // Whether one more target may be cut off; if so it counts.
    bool take(const Prefix& target, std::uint64_t now_ns) noexcept;
    // Gives back what was taken for a target that was not cut off after all.
    void give_back(const Prefix& target) noexcept;
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
    [[nodiscard]] std::uint64_t used(std::uint64_t now_ns) noexcept;
    [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }

private:
    static constexpr std::uint64_t parts = 16;
    void advance(std::uint64_t now_ns) noexcept;

    std::uint64_t limit_;
    std::uint64_t part_ns_;
    std::array<std::uint64_t, parts> taken_{};
    std::uint64_t part_ = 0;  // number of the running part since boot
    std::uint64_t used_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace gabion::ban
