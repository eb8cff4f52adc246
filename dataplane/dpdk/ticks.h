// SPDX-License-Identifier: Apache-2.0
// The kernel's jiffies, told without the kernel: they follow CLOCK_MONOTONIC. Related from the control thread, read by all others.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/core/clock.h"

namespace gabion::dpdk {

class Ticks {
public:
    explicit Ticks(const TickClock& clock) noexcept : tick_ns_(clock.tick_ns()) { relate(clock); }

    // Anew, since a tick is not always a whole number of nanoseconds.
    void relate(const TickClock& clock) noexcept {
        const std::uint64_t boot_ns = boot_now_ns();
        const std::uint64_t now_ns = monotonic_now_ns();
        const std::uint64_t tick = clock.tick_at(boot_ns);
        const std::uint64_t into_tick_ns = boot_ns - clock.boot_ns_of(static_cast<std::uint32_t>(tick), boot_ns);
        zero_ns_.store(now_ns - into_tick_ns - tick * tick_ns_, std::memory_order_relaxed);
    }

    // Low 32 bits of the tick that runs at `now_ns`, of CLOCK_MONOTONIC.
    [[nodiscard]] std::uint32_t at(std::uint64_t now_ns) const noexcept {
        return static_cast<std::uint32_t>((now_ns - zero_ns_.load(std::memory_order_relaxed)) / tick_ns_);
    }

private:
    std::uint64_t tick_ns_;
    std::atomic<std::uint64_t> zero_ns_{0};  // when tick 0 would have begun, modulo 2^64
};

}  // namespace gabion::dpdk
