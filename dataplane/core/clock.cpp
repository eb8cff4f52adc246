// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/clock.h"

#include <time.h>

#include "bpf/abi/table.h"

namespace gabion {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;

std::uint64_t read_clock(clockid_t clock) noexcept {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * second_ns + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

std::uint64_t boot_now_ns() noexcept { return read_clock(CLOCK_BOOTTIME); }
std::uint64_t monotonic_now_ns() noexcept { return read_clock(CLOCK_MONOTONIC); }

std::int64_t wall_now_ns() noexcept { return static_cast<std::int64_t>(read_clock(CLOCK_REALTIME)); }

std::uint32_t kernel_hz() noexcept {
    timespec resolution{};
    if (::clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) != 0 || resolution.tv_nsec <= 0) return 250;
    return static_cast<std::uint32_t>((second_ns + static_cast<std::uint64_t>(resolution.tv_nsec) / 2) /
                                      static_cast<std::uint64_t>(resolution.tv_nsec));
}

TickSample at_tick_edge(std::uint64_t jiffies) noexcept {
    const std::uint64_t edge = read_clock(CLOCK_MONOTONIC_COARSE);
    const std::uint64_t boot = read_clock(CLOCK_BOOTTIME);
    const std::uint64_t monotonic = read_clock(CLOCK_MONOTONIC);
    const std::uint64_t age = monotonic > edge ? monotonic - edge : 0;
    return {jiffies, boot > age ? boot - age : 0};
}

std::uint64_t TickClock::resample(TickSample sample) noexcept {
    const std::uint64_t expected = tick_at(sample.boot_ns);
    sample_ = sample;
    return expected > sample.jiffies ? expected - sample.jiffies : sample.jiffies - expected;
}

std::uint64_t TickClock::tick_at(std::uint64_t boot_ns) const noexcept {
    if (boot_ns >= sample_.boot_ns) return sample_.jiffies + (boot_ns - sample_.boot_ns) / tick_ns();
    return sample_.jiffies - (sample_.boot_ns - boot_ns + tick_ns() - 1) / tick_ns();
}

std::uint64_t TickClock::boot_ns_of(std::uint32_t low, std::uint64_t now_ns) const noexcept {
    const std::uint64_t now = tick_at(now_ns);
    const auto ahead = static_cast<std::int32_t>(low - static_cast<std::uint32_t>(now));
    const auto from_sample = static_cast<std::int64_t>(now - sample_.jiffies) + ahead;
    return sample_.boot_ns + static_cast<std::uint64_t>(from_sample * static_cast<std::int64_t>(tick_ns()));
}

std::uint32_t TickClock::expiry_at(std::uint64_t deadline_ns, std::uint64_t now_ns) const noexcept {
    if (deadline_ns == never_ns) return GABION_FOREVER;
    const std::uint64_t now = tick_at(now_ns);
    std::uint64_t last = tick_at(deadline_ns);
    if (deadline_ns > now_ns && (deadline_ns - sample_.boot_ns) % tick_ns() != 0) ++last;
    // Strictly less: an expiry that has to step over 0 and GABION_FOREVER must still be one that the kernel accepts.
    if (last > now && last - now >= GABION_EXPIRY_AHEAD_MAX - 2) return GABION_FOREVER;
    auto expiry = static_cast<std::uint32_t>(last);
    if (expiry == GABION_FOREVER) ++expiry;
    return expiry == 0 ? 1 : expiry;
}

bool TickClock::in_force(std::uint32_t expiry, std::uint64_t now_ns) const noexcept {
    if (expiry == 0) return false;
    if (expiry == GABION_FOREVER) return true;
    const std::uint32_t left = expiry - static_cast<std::uint32_t>(tick_at(now_ns));
    return left > 0 && left <= GABION_EXPIRY_AHEAD_MAX;
}

}  // namespace gabion
