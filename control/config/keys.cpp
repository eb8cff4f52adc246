// SPDX-License-Identifier: Apache-2.0
#include "control/config/keys.h"

#include "bpf/abi/limits.h"
#include "bpf/abi/settings.h"
#include "control/config/amplifier_list.h"
#include "control/config/key_groups.h"

namespace gabion::config {
namespace {

void add_base(List& list) {
    list.push_back(boolean<Config>(
        "dry_run", live, [](auto& c) -> auto& { return c.dry_run; }));
    list.push_back(path<Config>(
        "control.socket", [](auto& c) -> auto& { return c.control.socket; }));
    list.push_back(text<Config>(
        "control.group", at_start, 32, [](auto& c) -> auto& { return c.control.group; }));
    list.push_back(number_list<Config>(
        "operator.ports", live, "port", 1, 65535, [](auto& c) -> auto& { return c.operator_sessions.ports; }));
    list.push_back(duration<Config>(
        "operator.settled", live, "0s", [](auto& c) -> auto& { return c.operator_sessions.settled; }));
    list.push_back(path<Config>(
        "state.directory", [](auto& c) -> auto& { return c.state.directory; }));
    list.push_back(path<Config>(
        "state.pin", [](auto& c) -> auto& { return c.state.pin; }));
    list.push_back(number_list<Config>(
        "workers.cpus", at_start, "CPU", 0, 4095, [](auto& c) -> auto& { return c.workers.cpus; }));
    list.push_back(whole<Config>(
        "workers.credit", at_start, 64, GABION_CREDIT_MAX, [](auto& c) -> auto& { return c.workers.credit; }));
    list.push_back(choice<Config>(
        "workers.busy_wait", at_start, {"isolated", "always", "never"},
        [](auto& c) -> auto& { return c.workers.busy_wait; }));
    list.push_back(number_list<Config>(
        "dpdk.cores", at_start, "CPU", 0, 4095, [](auto& c) -> auto& { return c.dpdk.cores; }));
    list.push_back(whole<Config>(
        "dpdk.memory_mib", at_start, 64, 1u << 20, [](auto& c) -> auto& { return c.dpdk.memory_mib; }));
    list.push_back(boolean<Config>(
        "dpdk.huge_pages", at_start, [](auto& c) -> auto& { return c.dpdk.huge_pages; }));
    list.push_back(whole<Config>(
        "dpdk.idle_us", at_start, 0, 1000, [](auto& c) -> auto& { return c.dpdk.idle_us; }));
    list.push_back(whole<Config>(
        "sampling.one_in", live, 0, 1u << 20, [](auto& c) -> auto& { return c.sampling.one_in; }));
    list.push_back(whole<Config>(
        "sampling.budget_pps", live, 0, pps_max, [](auto& c) -> auto& { return c.sampling.budget_pps; }));
    list.push_back(choice<Config>(
        "panic.mode", live, {"auto", "on", "off"}, [](auto& c) -> auto& { return c.panic.mode; }));
    list.push_back(whole<Config>(
        "panic.rate_pps", live, 0, pps_max, [](auto& c) -> auto& { return c.panic.rate_pps; }));
    list.push_back(whole<Config>(
        "panic.global_rate_pps", live, 0, 1000 * pps_max, [](auto& c) -> auto& { return c.panic.global_rate_pps; }));
    list.push_back(real<Config>(
        "panic.drop_ratio", live, 0, 1, [](auto& c) -> auto& { return c.panic.drop_ratio; }));
}

void add_features(List& list) {
    const auto feature = [&list](const char* name, auto pick) {
        list.push_back(boolean<Config>(std::string("features.") + name, live, pick));
    };
    feature(
        "breaker", [](auto& c) -> auto& { return c.features.breaker; });
    feature(
        "quarantine", [](auto& c) -> auto& { return c.features.quarantine; });
    feature(
        "destinations", [](auto& c) -> auto& { return c.features.destinations; });
    feature(
        "handover", [](auto& c) -> auto& { return c.features.handover; });
    feature(
        "hits", [](auto& c) -> auto& { return c.features.hits; });
}

void add_bans(List& list) {
    list.push_back(duration<Config>(
        "bans.duration", live, "1s", [](auto& c) -> auto& { return c.bans.duration; }));
    list.push_back(whole<Config>(
        "bans.capacity", live, 1024, entries_max, [](auto& c) -> auto& { return c.bans.capacity; }));
    list.push_back(whole<Config>(
        "bans.prefix_capacity", live, 64, entries_max, [](auto& c) -> auto& { return c.bans.prefix_capacity; }));
    list.push_back(whole<Config>(
        "bans.detector_capacity", live, 64, entries_max, [](auto& c) -> auto& { return c.bans.detector_capacity; }));
    list.push_back(whole<Config>(
        "bans.quarantine_capacity", live, 64, entries_max,
        [](auto& c) -> auto& { return c.bans.quarantine_capacity; }));
    list.push_back(whole<Config>(
        "bans.blast_addresses", live, 0, entries_max, [](auto& c) -> auto& { return c.bans.blast_addresses; }));
    list.push_back(duration<Config>(
        "bans.blast_window", live, "1s", [](auto& c) -> auto& { return c.bans.blast_window; }));
    list.push_back(whole<Config>(
        "escalation.offenders", live, 0, 64, [](auto& c) -> auto& { return c.escalation.offenders; }));
    list.push_back(duration<Config>(
        "escalation.window", live, "1s", [](auto& c) -> auto& { return c.escalation.window; }));
    list.push_back(duration<Config>(
        "escalation.duration", live, "1s", [](auto& c) -> auto& { return c.escalation.duration; }));
    list.push_back(prefix_list<Config>(
        "allow.targets", [](auto& c) -> auto& { return c.allow.targets; }));
    list.push_back(whole<Config>(
        "allow.capacity", live, 64, entries_max, [](auto& c) -> auto& { return c.allow.capacity; }));
}

void add_connections(List& list) {
    list.push_back(boolean<Config>(
        "connections.enabled", live, [](auto& c) -> auto& { return c.connections.enabled; }));
    list.push_back(whole<Config>(
        "connections.capacity", live, 1024, entries_max, [](auto& c) -> auto& { return c.connections.capacity; }));
    list.push_back(whole<Config>(
        "connections.proven_capacity", live, 1024, entries_max,
        [](auto& c) -> auto& { return c.connections.proven_capacity; }));
    list.push_back(duration<Config>(
        "connections.idle", live, "1s", [](auto& c) -> auto& { return c.connections.idle; }));
}

void add_validation(List& list) {
    const auto check = [&list](const char* name, auto pick) {
        list.push_back(boolean<Config>(std::string("validation.") + name, live, pick));
    };
    check(
        "bogons", [](auto& c) -> auto& { return c.validation.bogons; });
    check(
        "private", [](auto& c) -> auto& { return c.validation.private_sources; });
    check(
        "reserved", [](auto& c) -> auto& { return c.validation.reserved; });
    check(
        "land", [](auto& c) -> auto& { return c.validation.land; });
    check(
        "tcp_flags", [](auto& c) -> auto& { return c.validation.tcp_flags; });
    check(
        "port_zero", [](auto& c) -> auto& { return c.validation.port_zero; });
    list.push_back(choice<Config>(
        "validation.fragments", live, {"pass", "sound", "drop"},
        [](auto& c) -> auto& { return c.validation.fragments; }));
    list.push_back(boolean<Config>(
        "amplification.enabled", live, [](auto& c) -> auto& { return c.amplification.enabled; }));
    list.push_back(amplifier_rules());
}

template <typename Pick>
void add_switch(List& list, const std::string& name, Pick pick) {
    list.push_back(boolean<Config>(
        "detectors." + name + ".enabled", live, [pick](auto& c) -> auto& { return pick(c).enabled; }));
    list.push_back(boolean<Config>(
        "detectors." + name + ".dry_run", live, [pick](auto& c) -> auto& { return pick(c).dry_run; }));
}

void add_detector_rates(List& list) {
    const auto pps = [&list](const char* name, auto pick) {
        list.push_back(real<Config>(std::string("detectors.") + name, live, 1, static_cast<double>(pps_max), pick));
    };
    pps(
        "unlearned_source_pps", [](auto& c) -> auto& { return c.detectors.unlearned_source_pps; });
    pps(
        "unlearned_destination_pps", [](auto& c) -> auto& { return c.detectors.unlearned_destination_pps; });
    pps(
        "destination_floor_pps", [](auto& c) -> auto& { return c.detectors.destination_floor_pps; });
    pps(
        "alarmed_floor_pps", [](auto& c) -> auto& { return c.detectors.alarmed_floor_pps; });
    pps(
        "source_floor_pps", [](auto& c) -> auto& { return c.detectors.source_floor_pps; });
    pps(
        "prefix_floor_pps", [](auto& c) -> auto& { return c.detectors.prefix_floor_pps; });
    pps(
        "syn_floor_pps", [](auto& c) -> auto& { return c.detectors.syn_floor_pps; });
    pps(
        "spoofed_floor_pps", [](auto& c) -> auto& { return c.detectors.spoofed_floor_pps; });
    pps(
        "cap_floor_pps", [](auto& c) -> auto& { return c.detectors.cap_floor_pps; });
    pps(
        "quarantine_pps", [](auto& c) -> auto& { return c.detectors.quarantine_pps; });
}

void add_detector_factors(List& list) {
    const auto factor = [&list](const char* name, auto pick) {
        list.push_back(real<Config>(std::string("detectors.") + name, live, 1, 1000, pick));
    };
    factor(
        "destination_factor", [](auto& c) -> auto& { return c.detectors.destination_factor; });
    factor(
        "alarmed_factor", [](auto& c) -> auto& { return c.detectors.alarmed_factor; });
    factor(
        "source_factor", [](auto& c) -> auto& { return c.detectors.source_factor; });
    factor(
        "known_factor", [](auto& c) -> auto& { return c.detectors.known_factor; });
    factor(
        "prefix_factor", [](auto& c) -> auto& { return c.detectors.prefix_factor; });
    factor(
        "cap_factor", [](auto& c) -> auto& { return c.detectors.cap_factor; });
    factor(
        "syns_per_end", [](auto& c) -> auto& { return c.detectors.syns_per_end; });
    factor(
        "follow_per_hour", [](auto& c) -> auto& { return c.detectors.follow_per_hour; });
}

void add_detectors(List& list) {
    list.push_back(duration<Config>(
        "detectors.learning", live, "1s", [](auto& c) -> auto& { return c.detectors.learning; }));
    add_detector_rates(list);
    add_detector_factors(list);
    list.push_back(whole<Config>(
        "detectors.prefix_offenders", live, 2, 256, [](auto& c) -> auto& { return c.detectors.prefix_offenders; }));
    list.push_back(real<Config>(
        "detectors.entropy_bits", live, 0.1, 16, [](auto& c) -> auto& { return c.detectors.entropy_bits; }));
    list.push_back(real<Config>(
        "detectors.ttl_share", live, 0.01, 1, [](auto& c) -> auto& { return c.detectors.ttl_share; }));
    list.push_back(real<Config>(
        "detectors.size_divergence", live, 0.01, 1, [](auto& c) -> auto& { return c.detectors.size_divergence; }));
    list.push_back(duration<Config>(
        "detectors.quarantine", live, "1s", [](auto& c) -> auto& { return c.detectors.quarantine; }));
    list.push_back(whole<Config>(
        "detectors.posture_one_in", live, 1, 1u << 20, [](auto& c) -> auto& { return c.detectors.posture_one_in; }));
    list.push_back(duration<Config>(
        "detectors.posture", live, "100ms", [](auto& c) -> auto& { return c.detectors.posture; }));
    list.push_back(duration<Config>(
        "detectors.calm_after", live, "100ms", [](auto& c) -> auto& { return c.detectors.calm_after; }));
    add_switch(
        list, "rate", [](auto& c) -> auto& { return c.detectors.rate; });
    add_switch(
        list, "entropy", [](auto& c) -> auto& { return c.detectors.entropy; });
    add_switch(
        list, "ttl", [](auto& c) -> auto& { return c.detectors.ttl; });
    add_switch(
        list, "size", [](auto& c) -> auto& { return c.detectors.size; });
    add_switch(
        list, "syn_fin", [](auto& c) -> auto& { return c.detectors.syn_fin; });
}

List make_keys() {
    List list;
    add_base(list);
    add_features(list);
    add_bans(list);
    add_syn(list);
    add_connections(list);
    add_validation(list);
    add_caps(list);
    add_sources(list);
    add_detectors(list);
    list.push_back(choice<Config>(
        "daemon.on_stop", live, {"keep", "detach"}, [](auto& c) -> auto& { return c.on_stop; }));
    list.push_back(choice<Config>(
        "log.level", live, {"debug", "info", "warning", "error"}, [](auto& c) -> auto& { return c.log_level; }));
    return list;
}

std::vector<Key<InterfaceConfig>> make_interface_keys() {
    using Interface = InterfaceConfig;
    std::vector<Key<Interface>> list;
    list.push_back(interface_name<Interface>(
        "name", [](auto& i) -> auto& { return i.name; }));
    list.push_back(choice<Interface>(
        "mode", at_start, {"host", "inline"}, [](auto& i) -> auto& { return i.mode; }));
    list.push_back(interface_name<Interface>(
        "peer", [](auto& i) -> auto& { return i.peer; }));
    list.push_back(choice<Interface>(
        "link_control", live, {"forward", "drop"}, [](auto& i) -> auto& { return i.link_control; }));
    list.push_back(choice<Interface>(
        "attach", at_start, {"auto", "native", "generic"}, [](auto& i) -> auto& { return i.attach; }));
    list.push_back(choice<Interface>(
        "backend", at_start, {"xdp", "dpdk"}, [](auto& i) -> auto& { return i.backend; }));
    list.push_back(text<Interface>(
        "device", at_start, 255, [](auto& i) -> auto& { return i.device; }));
    list.push_back(text<Interface>(
        "peer_device", at_start, 255, [](auto& i) -> auto& { return i.peer_device; }));
    list.push_back(choice<Interface>(
        "mac_mode", live, {"off", "allow", "deny"}, [](auto& i) -> auto& { return i.mac_mode; }));
    list.push_back(mac_list<Interface>(
        "macs", GABION_MACS_MAX, [](auto& i) -> auto& { return i.macs; }));
    return list;
}

}  // namespace

const std::vector<Key<Config>>& all_keys() {
    static const auto keys = make_keys();
    return keys;
}

const std::vector<Key<InterfaceConfig>>& interface_keys() {
    static const auto keys = make_interface_keys();
    return keys;
}

}  // namespace gabion::config
