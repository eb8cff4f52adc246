// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/panic_keeper.h"

#include <algorithm>
#include <cmath>

namespace gabion::daemon {
namespace {

constexpr double fixed_point = 65536.0;
// A learned rate is four times the calm peak and never below what one CPU of any machine of today passes without effort.
constexpr double headroom = 4.0;
constexpr double rate_min_pps = 1e6;
// The bucket holds a tenth of a second: a burst of that length at the full rate never trips it, and no second has an edge.
constexpr double bucket_seconds = 0.1;
// How fast a learned peak may follow the traffic, a second: doubling takes eleven minutes, so a slow climb meets the other detectors first.
constexpr double climb_per_second = 0.001;
constexpr double decay_per_second = 0.00003;
// Seconds without any traffic to speak of teach nothing.
constexpr double teaching_pps_min = 10;
constexpr unsigned calm_ticks_to_restore = 5;

// Packets that cost a token: everything received that was not dropped.
std::uint64_t gone_on(const gabion_cpu& cpu) {
    std::uint64_t dropped = 0;
#define X(id, name, action, help) \
    if (GABION_ACTION_##action == GABION_ACTION_DROP) dropped += cpu.reason[GABION_REASON_##id].packets;
    GABION_REASONS(X)
#undef X
    const std::uint64_t received = cpu.received.packets;
    return received - std::min(dropped, received);
}

}  // namespace

std::uint64_t PanicKeeper::rate_pps() const noexcept {
    std::uint64_t rate = settings_.rate_pps;
    if (rate == 0 && learned()) rate = static_cast<std::uint64_t>(std::max(headroom * peak_pps_, rate_min_pps));
    return lowered_to_pps_ != 0 && rate != 0 ? std::min(rate, lowered_to_pps_) : rate;
}

void PanicKeeper::restore(double peak_pps) noexcept {
    if (!(peak_pps > 0) || !std::isfinite(peak_pps)) return;
    peak_pps_ = peak_pps;
    calm_seconds_ = calm_seconds_needed;
}

void PanicKeeper::apply(gabion_panic_control& control) const noexcept {
    const auto rate = static_cast<double>(rate_pps());
    const double threshold = std::clamp(settings_.drop_ratio, 0.0, 1.0) * 4294967296.0;
    const auto store = [](auto& field, auto value) { __atomic_store_n(&field, value, __ATOMIC_RELAXED); };
    store(control.depth, static_cast<__u64>(rate * bucket_seconds * fixed_point));
    store(control.rate, static_cast<__u64>(rate / hz_ * fixed_point));
    store(control.drop_threshold, static_cast<__u32>(std::min(threshold, 4294967295.0)));
    store(control.trips_below, gabion_trips_below(settings_.mode, control.rate));
}

void PanicKeeper::learn(double busiest_pps, double seconds) noexcept {
    if (busiest_pps < teaching_pps_min) return;
    if (!learned()) {
        peak_pps_ = std::max(peak_pps_, busiest_pps);
    } else if (busiest_pps > peak_pps_) {
        peak_pps_ = std::min(busiest_pps, peak_pps_ * (1 + climb_per_second * seconds));
    } else {
        peak_pps_ = std::max(busiest_pps, peak_pps_ * (1 - decay_per_second * seconds));
    }
    calm_seconds_ += seconds;
}

void PanicKeeper::coordinate(unsigned tripped_cpus, unsigned cpus, std::vector<PanicEvent>& events) {
    if (tripped_cpus >= 2 && lowered_to_pps_ == 0) {
        const std::uint64_t alone = rate_pps();
        const std::uint64_t together = settings_.global_rate_pps != 0 ? settings_.global_rate_pps : alone * cpus / 2;
        lowered_to_pps_ = std::max<std::uint64_t>(together / cpus, 1);
        events.push_back({"breaker-coordinated", std::to_string(tripped_cpus) +
                                                     " CPUs tripped at once; every CPU's rate lowered to " +
                                                     std::to_string(lowered_to_pps_) + " packets a second"});
    }
    calm_ticks_ = tripped_cpus == 0 ? calm_ticks_ + 1 : 0;
    if (lowered_to_pps_ != 0 && calm_ticks_ >= calm_ticks_to_restore) {
        lowered_to_pps_ = 0;
        events.push_back({"breaker-uncoordinated", "five calm seconds; every CPU has its own rate again"});
    }
}

std::vector<PanicEvent> PanicKeeper::tick(std::span<const std::span<const gabion_cpu>> interfaces,
                                          std::uint32_t now_ticks, std::uint64_t now_ns, bool calm,
                                          gabion_panic_control& control) {
    std::vector<PanicEvent> events;
    const double seconds = last_ns_ == 0 ? 0 : static_cast<double>(now_ns - last_ns_) / 1e9;
    const bool was_learned = learned();
    last_ns_ = now_ns;

    std::size_t index = 0;
    std::size_t cpus = 0;
    unsigned tripped_cpus = 0;
    bool tripped_since = false;
    double busiest_pps = 0;
    for (const auto& interface : interfaces) {
        cpus = std::max(cpus, interface.size());
        for (const gabion_cpu& cpu : interface) {
            const bool fresh = index >= seen_.size();
            if (fresh) seen_.emplace_back();
            CpuSeen& seen = seen_[index++];
            const std::uint64_t passed = gone_on(cpu);
            if (!fresh && seconds > 0 && passed >= seen.gone_on)
                busiest_pps = std::max(busiest_pps, static_cast<double>(passed - seen.gone_on) / seconds);
            tripped_since |= !fresh && cpu.breaker.trips != seen.trips;
            if (cpu.breaker.tripped != 0 && now_ticks - cpu.breaker.tripped_at < hz_) ++tripped_cpus;
            seen = {passed, cpu.breaker.trips};
        }
    }

    if (calm && tripped_cpus == 0 && !tripped_since && seconds > 0) learn(busiest_pps, seconds);
    if (!was_learned && learned() && settings_.rate_pps == 0)
        events.push_back(
            {"breaker-learned", "trips above " + std::to_string(rate_pps()) + " packets a second on one CPU"});
    const bool now_tripped = tripped_cpus > 0 || tripped_since;
    if (now_tripped != tripped_)
        events.push_back(now_tripped ? PanicEvent{"breaker-tripped", "more than " + std::to_string(rate_pps()) +
                                                                         " packets a second on a CPU"}
                                     : PanicEvent{"breaker-recovered", "below the rate again"});
    tripped_ = now_tripped;
    coordinate(tripped_cpus, static_cast<unsigned>(std::max<std::size_t>(cpus, 1)), events);
    apply(control);
    return events;
}

}  // namespace gabion::daemon
