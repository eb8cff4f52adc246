// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/settings.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "bpf/lib/flood.h"
#include "control/daemon/map_word.h"

namespace gabion::daemon {
namespace {

// A sampler's period: long enough to count in, short enough to follow a flood.
constexpr double sampling_period_s = 0.016;
// Ticks are 32 bits and wrap: what is longer ago than this cannot be told from what was just now.
constexpr double ticks_max = 0x7fffffff;

double seconds(config::Milliseconds value) { return static_cast<double>(value.count()) / 1000; }

detect::DetectorSwitch detector_switch(const config::DetectorSwitchConfig& config) {
    return {config.enabled, config.dry_run};
}

std::uint32_t ticks(config::Milliseconds value, std::uint32_t hz) {
    return static_cast<std::uint32_t>(std::clamp(seconds(value) * hz, 1.0, ticks_max));
}

gabion_mac_filter mac_filter(const config::InterfaceConfig& config) {
    gabion_mac_filter filter{};
    if (config.mac_mode == "off") return filter;
    filter.mode = config.mac_mode == "allow" ? GABION_MAC_ALLOW : GABION_MAC_DENY;
    for (const MacAddress& mac : config.macs) {
        gabion_mac& place = filter.mac[filter.count++];
        std::memcpy(&place.first, mac.data(), 4);
        std::memcpy(&place.last, mac.data() + 4, 2);
    }
    return filter;
}

worker::BusyWait busy_wait(const std::string& where) {
    if (where == "always") return worker::BusyWait::always;
    return where == "never" ? worker::BusyWait::never : worker::BusyWait::isolated;
}

}  // namespace

map::Capacities capacities(const config::Config& config) {
    map::Capacities result;
    result.allow = config.allow.capacity;
    result.operator_bans = config.bans.capacity;
    result.operator_prefixes = config.bans.prefix_capacity;
    result.detector_bans = config.bans.detector_capacity;
    result.quarantine = config.bans.quarantine_capacity;
    result.flows = config.connections.capacity;
    result.proven = config.connections.proven_capacity;
    result.sources = config.sources.capacity;
    return result;
}

ban::BookOptions book_options(const config::Config& config) {
    const map::Capacities sizes = capacities(config);
    ban::BookOptions options;
    const auto limits = [](std::uint32_t addresses, std::uint32_t prefixes) {
        return ban::SetLimits{.exact4 = addresses, .exact6 = addresses, .prefix4 = prefixes, .prefix6 = prefixes};
    };
    options.limits[GABION_SET_ALLOW] = limits(sizes.allow, sizes.prefixes);
    options.limits[GABION_SET_OPERATOR] = limits(sizes.operator_bans, sizes.operator_prefixes);
    options.limits[GABION_SET_DETECTOR] = limits(sizes.detector_bans, sizes.prefixes);
    options.limits[GABION_SET_QUARANTINE] = limits(sizes.quarantine, sizes.prefixes);
    options.limits[GABION_SET_WATCH] = limits(sizes.watch, sizes.watch);
    const auto ns = [](config::Milliseconds value) { return static_cast<std::uint64_t>(value.count()) * 1'000'000; };
    options.escalation = {config.escalation.offenders, ns(config.escalation.window), ns(config.escalation.duration)};
    options.blast_addresses = config.bans.blast_addresses;
    options.blast_window_ns = static_cast<std::uint64_t>(config.bans.blast_window.count()) * 1'000'000;
    return options;
}

detect::Settings detector_settings(const config::Config& config) {
    const config::DetectorsConfig& from = config.detectors;
    detect::Settings to;
    to.rate = detector_switch(from.rate);
    to.entropy = detector_switch(from.entropy);
    to.ttl = detector_switch(from.ttl);
    to.size = detector_switch(from.size);
    to.syn_fin = detector_switch(from.syn_fin);
    to.learning_s = seconds(from.learning);
    to.unlearned_source_pps = from.unlearned_source_pps;
    to.unlearned_destination_pps = from.unlearned_destination_pps;
    to.destination_floor_pps = from.destination_floor_pps;
    to.destination_factor = from.destination_factor;
    to.alarmed_floor_pps = from.alarmed_floor_pps;
    to.alarmed_factor = from.alarmed_factor;
    to.source_floor_pps = from.source_floor_pps;
    to.source_factor = from.source_factor;
    to.known_factor = from.known_factor;
    to.prefix_floor_pps = from.prefix_floor_pps;
    to.prefix_factor = from.prefix_factor;
    to.prefix_offenders = from.prefix_offenders;
    to.entropy_bits = from.entropy_bits;
    to.ttl_share = from.ttl_share;
    to.size_divergence = from.size_divergence;
    to.syns_per_end = from.syns_per_end;
    to.syn_floor_pps = from.syn_floor_pps;
    to.spoofed_floor_pps = from.spoofed_floor_pps;
    to.cap_factor = from.cap_factor;
    to.cap_floor_pps = from.cap_floor_pps;
    to.follow_per_hour = from.follow_per_hour;
    to.quarantine_pps = from.quarantine_pps;
    to.quarantine_s = seconds(from.quarantine);
    to.posture_one_in = from.posture_one_in;
    to.posture_s = seconds(from.posture);
    to.calm_after_s = seconds(from.calm_after);
    return to;
}

std::uint32_t features(const config::Config& config) noexcept {
    std::uint32_t result = GABION_FEATURES_ALL;
    const auto off = [&result](bool on, std::uint32_t bits) { result &= on ? ~0u : ~bits; };
    off(config.features.breaker, GABION_FEATURE_BREAKER);
    off(config.features.quarantine, GABION_FEATURE_QUARANTINE);
    off(config.features.destinations, GABION_FEATURE_DESTINATIONS);
    off(config.features.handover, GABION_FEATURE_SAMPLER | GABION_FEATURE_HANDOVER);
    off(config.features.hits, GABION_FEATURE_HITS);
    off(checks(config) != 0, GABION_FEATURE_VALIDATION);
    off(config.caps.enabled, GABION_FEATURE_CAPS);
    off(config.sources.enabled, GABION_FEATURE_SOURCE_RATES);
    off(config.syn.way != "off", GABION_FEATURE_SYN);
    off(config.connections.enabled, GABION_FEATURE_CONNECTIONS);
    off(config.amplification.enabled, GABION_FEATURE_AMPLIFICATION);
    return result;
}

std::uint32_t checks(const config::Config& config) noexcept {
    const config::ValidationConfig& from = config.validation;
    std::uint32_t checks = 0;
    if (from.bogons) checks |= GABION_CHECK_BOGONS;
    if (from.private_sources) checks |= GABION_CHECK_PRIVATE;
    if (from.reserved) checks |= GABION_CHECK_RESERVED;
    if (from.land) checks |= GABION_CHECK_LAND;
    if (from.tcp_flags) checks |= GABION_CHECK_TCP_FLAGS;
    if (from.port_zero) checks |= GABION_CHECK_PORT_ZERO;
    if (from.fragments == "sound") checks |= GABION_CHECK_FRAGMENTS;
    if (from.fragments == "drop") checks |= GABION_CHECK_ALL_FRAGMENTS;
    return checks;
}

map::HostFacts load_facts(const config::Config& config, const config::InterfaceConfig& interface) {
    map::HostFacts facts = map::host_facts();
    facts.features = features(config);
    facts.checks = checks(config);
    if (interface.mode == "inline") facts.features |= GABION_FEATURE_INLINE;
    if (interface.link_control == "drop") facts.features |= GABION_FEATURE_LINK_CONTROL;
    facts.mac_filter = mac_filter(interface);
    if (facts.mac_filter.mode == GABION_MAC_OFF) facts.features &= ~GABION_FEATURE_MAC;
    return facts;
}

bool has_effect(const config::Config& config, detect::VerdictKind kind) noexcept {
    switch (kind) {
        case detect::VerdictKind::quarantine:
            return config.features.quarantine;
        case detect::VerdictKind::cap:
        case detect::VerdictKind::raise_posture:
            return config.features.destinations;
        default:
            return true;
    }
}

FloodSettings flood_settings(const config::Config& config) {
    const config::CapsConfig& from = config.caps;
    FloodSettings to;
    to.kind[GABION_FLOOD_TCP] = {from.tcp_trigger_pps, from.tcp_floor_pps, 0, false};
    to.kind[GABION_FLOOD_SYN] = {from.syn_trigger_pps, from.syn_floor_pps, from.syn_pps, true};
    to.kind[GABION_FLOOD_UDP] = {from.udp_trigger_pps, from.udp_floor_pps, from.udp_pps, true};
    to.kind[GABION_FLOOD_ICMP] = {from.icmp_trigger_pps, from.icmp_floor_pps, from.icmp_pps, true};
    to.kind[GABION_FLOOD_OTHER] = {from.other_trigger_pps, from.other_floor_pps, 0, false};
    to.trigger_factor = from.trigger_factor;
    to.cap_factor = from.factor;
    to.hold_s = seconds(from.hold);
    to.control_pps = from.control_pps;
    to.new_sources_per_s = config.sources.new_per_s;
    for (const config::PortCapConfig& port : from.port)
        to.ports.push_back({port.protocol == "udp", port.port, port.pps});
    return to;
}

SourceSettings source_settings(const config::Config& config) {
    const config::SourcesConfig& from = config.sources;
    SourceSettings to;
    if (from.enabled) to.when = from.when == "always" ? GABION_SOURCES_ALWAYS : GABION_SOURCES_IN_FLOODS;
    const auto set = [&to](gabion_rate rate, std::uint64_t limit, double points) {
        to.rate[rate] = static_cast<double>(limit);
        to.points[rate] = points;
    };
    set(GABION_RATE_PACKETS, from.packets, from.packets_points);
    set(GABION_RATE_BYTES, from.bytes, from.bytes_points);
    set(GABION_RATE_TCP, from.tcp, from.tcp_points);
    set(GABION_RATE_UDP, from.udp, 0);  // nothing proves who sent these three
    set(GABION_RATE_ICMP, from.icmp, 0);
    set(GABION_RATE_SYN, from.syn, 0);
    set(GABION_RATE_CONNECTIONS, from.connections, from.connections_points);
    for (const config::SourcePortConfig& port : from.port)
        to.ports.push_back({port.protocol == "udp", port.port, port.pps});
    to.burst_s = seconds(from.burst);
    to.threshold = from.ban ? from.threshold : 0;
    to.decay_per_s = from.decay;
    to.ban = config.bans.duration;
    return to;
}

PanicSettings panic_settings(const config::Config& config) {
    return {.mode = panic_mode(config.panic.mode),
            .rate_pps = config.panic.rate_pps,
            .drop_ratio = config.panic.drop_ratio,
            .global_rate_pps = config.panic.global_rate_pps};
}

InterfaceSettings interface_settings(const config::InterfaceConfig& config, const config::WorkersConfig& workers) {
    InterfaceSettings result{.name = config.name,
                             .peer = config.mode == "inline" ? config.peer : std::string(),
                             .attach = map::AttachMode::automatic,
                             .worker_cpus = workers.cpus,
                             .credit = workers.credit,
                             .busy_wait = busy_wait(workers.busy_wait)};
    result.mac_filter = mac_filter(config);
    if (config.attach == "native") result.attach = map::AttachMode::native;
    if (config.attach == "generic") result.attach = map::AttachMode::generic;
    return result;
}

DpdkSettings dpdk_settings(const config::DpdkConfig& config, const config::InterfaceConfig& interface) {
    return {.device = interface.device,
            .peer_device = interface.peer_device,
            .cores = config.cores,
            .memory_mib = config.memory_mib,
            .huge_pages = config.huge_pages,
            .idle_us = config.idle_us};
}

void apply_sampling(const config::Config& config, std::uint32_t hz, gabion_control& control) noexcept {
    const auto period = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(std::lround(sampling_period_s * hz)));
    const auto budget = std::max<std::uint64_t>(1, config.sampling.budget_pps * period / hz);
    store(control.sampling.period_ticks, period);
    store(control.sampling.budget, std::min<std::uint64_t>(budget, UINT32_MAX));
    store(control.sampling.one_in, config.sampling.one_in);
}

void apply_switches(const config::Config& config, std::uint32_t hz, gabion_control& control) noexcept {
    store(control.flow_idle_ticks, ticks(config.connections.idle, hz));
    store(control.connections.proven_ticks, ticks(config.connections.idle, hz));
    store(control.quarantine_syn_ticks, hz);
    store(control.dry_run, config.dry_run ? 1 : 0);
}

// The kernel asks some questions only while a flood is on. What it found out by itself stays until its time is over.
void tend_flood(gabion_control& control, const detect::Analyst& analyst, std::uint32_t now, std::uint32_t hz) noexcept {
    const bool attack = analyst.under_attack();
    for (int kind = 0; kind < GABION_FLOOD_CLASSES; ++kind)
        if (attack || (kind == GABION_FLOOD_SYN && analyst.syn_flood()))
            gabion_flood_raise(&control, static_cast<gabion_flood_class>(kind), now, 2 * hz);
    if (control.flood.any != 0 && gabion_flood_any(&control, now) == 0) control.flood = {};
}

gabion_panic_mode panic_mode(const std::string& name) noexcept {
    if (name == "on") return GABION_PANIC_ON;
    return name == "off" ? GABION_PANIC_OFF : GABION_PANIC_AUTO;
}

const char* panic_mode_name(gabion_panic_mode mode) noexcept {
    switch (mode) {
        case GABION_PANIC_ON:
            return "on";
        case GABION_PANIC_OFF:
            return "off";
        case GABION_PANIC_AUTO:
            break;
    }
    return "auto";
}

}  // namespace gabion::daemon
