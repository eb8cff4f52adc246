// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/source_keeper.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "control/daemon/map_word.h"
#include "dataplane/core/clock.h"

namespace gabion::daemon {
namespace {

// A source is judged once in so long, and the packets of a set are forgotten by half.
constexpr double window_s = 1;
constexpr double age_s = 1;
constexpr double point = 65536.0;

std::uint32_t clamp32(double value) noexcept {
    return value >= 4294967295.0 ? 0xffffffffu : static_cast<std::uint32_t>(std::max(value, 0.0));
}

Prefix source_of(const gabion_offence& offence) noexcept {
    Prefix source;
    source.family = offence.ip_version == 4 ? Family::v4 : Family::v6;
    source.length = offence.ip_version == 4 ? 32 : 128;
    std::memcpy(source.bytes.data(), offence.address, offence.ip_version == 4 ? 4 : 16);
    return source;
}

void add(detect::Evidence& evidence, const char* name, double value, double threshold) noexcept {
    evidence.figures[evidence.figure_count++] = {name, value, threshold};
}

// One that is being written while it is read is no offence; 0.
gabion_offence read(const gabion_offence& from, std::uint32_t number) noexcept {
    gabion_offence offence{};
    const std::uint32_t before = __atomic_load_n(&from.number, __ATOMIC_ACQUIRE);
    std::memcpy(&offence, &from, sizeof offence);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    const std::uint32_t after = __atomic_load_n(&from.number, __ATOMIC_RELAXED);
    offence.number = before == number && after == number ? number : 0;
    return offence;
}

}  // namespace

void SourceKeeper::write_limits(gabion_source_limits& to,
                                const std::array<double, GABION_RATE_COUNT>& rate) const noexcept {
    const double ticks = std::clamp(settings_.burst_s * hz_, 1.0, static_cast<double>(GABION_LEVEL_TICKS_MAX));
    store(to.depth, clamp32(ticks * (1u << GABION_LEVEL_SHIFT)));
    for (std::size_t i = 0; i < rate.size(); ++i)
        store(to.cost[i], rate[i] > 0 ? static_cast<std::uint64_t>(std::max(hz_ * 4294967296.0 / rate[i], 1.0)) : 0u);
}

void SourceKeeper::write_ports(const SourceTables& tables) const noexcept {
    clear_port_rules(tables.port_rules, PortRule::source_limits);
    for (std::size_t i = 0; i < std::min<std::size_t>(settings_.ports.size(), GABION_SOURCE_PORTS_MAX); ++i) {
        const SourcePort& port = settings_.ports[i];
        const auto pps = static_cast<double>(port.pps);
        auto rate = settings_.rate;
        rate[port.udp ? GABION_RATE_UDP : GABION_RATE_TCP] = pps;
        rate[GABION_RATE_PACKETS] = rate[GABION_RATE_PACKETS] > 0 ? std::max(rate[GABION_RATE_PACKETS], pps) : 0;
        write_limits(tables.limits[1 + i], rate);
        number_port(tables.port_rules, port.udp, port.port, PortRule::source_limits, i + 1);
    }
}

void SourceKeeper::apply(const SourceTables& tables) const noexcept {
    gabion_source_control& control = tables.control.sources;
    write_limits(tables.limits[0], settings_.rate);
    write_ports(tables);
    store(control.ports, settings_.ports.size());
    store(control.decay, clamp32(settings_.decay_per_s / hz_ * point));
    store(control.threshold, clamp32(settings_.threshold * point));
    store(control.window, clamp32(window_s * hz_));
    store(control.age, clamp32(age_s * hz_));
    for (std::size_t i = 0; i < settings_.points.size(); ++i)
        store(control.points[i], clamp32(settings_.points[i] * point));
    store(control.when, settings_.when);
    store(tables.control.caps.sources, settings_.when == GABION_SOURCES_ALWAYS ? 1u : 0u);
}

detect::Verdict SourceKeeper::verdict_for(const gabion_offence& offence) const {
    const double seconds = std::max<std::uint32_t>(offence.ticks, 1) / static_cast<double>(hz_);
    detect::Verdict verdict;
    verdict.kind = detect::VerdictKind::ban;
    verdict.target = source_of(offence);
    verdict.reason = "source-rates";
    verdict.duration = settings_.ban;
    verdict.decided_ns = monotonic_now_ns();
    detect::Evidence& evidence = verdict.evidence;
    evidence.detector = "sources";
    evidence.standing = detect::Standing::proven;
    evidence.window_ms = static_cast<std::uint32_t>(seconds * 1000);
    evidence.samples = offence.seen;
    const auto rate_of = [&](gabion_rate rate) { return (offence.rates >> rate & 1) != 0 ? settings_.rate[rate] : 0; };
    add(evidence, "source_pps", offence.seen / seconds, settings_.rate[GABION_RATE_PACKETS]);
    add(evidence, "source_dropped_pps", offence.dropped / seconds, offence.seen / seconds / 2);
    // the kernel tells that a rate was left, not by how much
    if (const double tcp = rate_of(GABION_RATE_TCP); tcp > 0) add(evidence, "source_tcp_pps", tcp, tcp);
    if (const double bytes = rate_of(GABION_RATE_BYTES); bytes > 0) add(evidence, "source_bytes_per_s", bytes, bytes);
    if (const double opened = rate_of(GABION_RATE_CONNECTIONS); opened > 0)
        add(evidence, "source_connections_per_s", opened, opened);
    add(evidence, "score", offence.score / point, settings_.threshold);
    return verdict;
}

void SourceKeeper::collect(const SourceTables& tables, std::vector<detect::Verdict>& verdicts) {
    const std::uint32_t told = __atomic_load_n(&tables.control.sources.told, __ATOMIC_ACQUIRE);
    if (told - seen_ > GABION_OFFENCES) seen_ = told - GABION_OFFENCES;
    for (; seen_ != told; ++seen_) {
        const gabion_offence offence = read(tables.offences[seen_ % GABION_OFFENCES], seen_ + 1);
        if (offence.number != 0 && settings_.threshold > 0) verdicts.push_back(verdict_for(offence));
    }
}

}  // namespace gabion::daemon
