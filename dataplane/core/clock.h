// SPDX-License-Identifier: Apache-2.0
// The clocks in use. Deadlines are kept in boot time (CLOCK_BOOTTIME, ns), which runs on through suspend; measurements in
// CLOCK_MONOTONIC; wall time is for people and for the state file alone. The kernel stage counts jiffies, which follow
// CLOCK_MONOTONIC and stand still in suspend: TickClock relates them to boot time from a sampled pair.
#pragma once

#include <cstdint>
#include <limits>

namespace gabion {

std::uint64_t boot_now_ns() noexcept;
std::uint64_t monotonic_now_ns() noexcept;
std::int64_t wall_now_ns() noexcept;  // since 1970, UTC

// A deadline that never comes.
inline constexpr std::uint64_t never_ns = std::numeric_limits<std::uint64_t>::max();

// Ticks a second (CONFIG_HZ), from the resolution of CLOCK_MONOTONIC_COARSE, which is one tick.
std::uint32_t kernel_hz() noexcept;

// `jiffies` became true at `boot_ns`. Read at any moment it is off by up to one tick; `at_tick_edge` takes that out.
struct TickSample {
    std::uint64_t jiffies = 0;
    std::uint64_t boot_ns = 0;
};

// The pair for jiffies read just now: the coarse clock tells when the running tick began.
TickSample at_tick_edge(std::uint64_t jiffies) noexcept;

class TickClock {
public:
    TickClock(std::uint32_t hz, TickSample sample) noexcept : hz_(hz), sample_(sample) {}

    [[nodiscard]] std::uint32_t hz() const noexcept { return hz_; }
    [[nodiscard]] std::uint64_t tick_ns() const noexcept { return 1'000'000'000u / hz_; }

    // Takes a newer pair. Returns by how many ticks the former one had been wrong: more than 1 after a suspend, and then
    // expiries that were made before must be made anew.
    std::uint64_t resample(TickSample sample) noexcept;

    // The tick that runs at `boot_ns`, and the boot time at which the tick `low` (of which the low 32 bits are given) that is
    // nearest to `now_ns` begins.
    [[nodiscard]] std::uint64_t tick_at(std::uint64_t boot_ns) const noexcept;
    [[nodiscard]] std::uint64_t boot_ns_of(std::uint32_t low, std::uint64_t now_ns) const noexcept;

    // The expiry (bpf/abi/table.h) of an entry that ends at `deadline_ns`: the first tick at or after it, so that the entry ends at
    // most a tick late and never early. GABION_FOREVER when that is further off than the kernel can tell.
    [[nodiscard]] std::uint32_t expiry_at(std::uint64_t deadline_ns, std::uint64_t now_ns) const noexcept;

    // Whether the kernel takes an entry with this expiry to be in force at `now_ns`.
    [[nodiscard]] bool in_force(std::uint32_t expiry, std::uint64_t now_ns) const noexcept;

private:
    std::uint32_t hz_;
    TickSample sample_;
};

}  // namespace gabion
