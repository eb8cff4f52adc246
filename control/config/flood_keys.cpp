// SPDX-License-Identifier: Apache-2.0
// The keys of what holds floods: SYNs, caps of the whole host, rates of single sources.
#include "bpf/abi/caps.h"
#include "bpf/abi/source.h"
#include "control/config/key_groups.h"
#include "control/config/port_list.h"

namespace gabion::config {
namespace {

void add_source_rates(List& list) {
    const auto rate = [&list](const char* name, std::uint64_t most, auto pick) {
        list.push_back(whole<Config>(std::string("sources.") + name, live, 0, most, pick));
    };
    rate(
        "packets_pps", pps_max, [](auto& c) -> auto& { return c.sources.packets; });
    rate(
        "bytes_per_s", 1000 * pps_max, [](auto& c) -> auto& { return c.sources.bytes; });
    rate(
        "tcp_pps", pps_max, [](auto& c) -> auto& { return c.sources.tcp; });
    rate(
        "udp_pps", pps_max, [](auto& c) -> auto& { return c.sources.udp; });
    rate(
        "icmp_pps", pps_max, [](auto& c) -> auto& { return c.sources.icmp; });
    rate(
        "syn_pps", pps_max, [](auto& c) -> auto& { return c.sources.syn; });
    rate(
        "connections_per_s", pps_max, [](auto& c) -> auto& { return c.sources.connections; });
    rate(
        "new_per_s", pps_max, [](auto& c) -> auto& { return c.sources.new_per_s; });
}

void add_source_points(List& list) {
    const auto points = [&list](const char* name, auto pick) {
        list.push_back(real<Config>(std::string("sources.") + name, live, 0, 1000, pick));
    };
    points(
        "packets_points", [](auto& c) -> auto& { return c.sources.packets_points; });
    points(
        "bytes_points", [](auto& c) -> auto& { return c.sources.bytes_points; });
    points(
        "tcp_points", [](auto& c) -> auto& { return c.sources.tcp_points; });
    points(
        "connections_points", [](auto& c) -> auto& { return c.sources.connections_points; });
    points(
        "decay_per_s", [](auto& c) -> auto& { return c.sources.decay; });
    list.push_back(real<Config>(
        "sources.threshold", live, 1, 10000, [](auto& c) -> auto& { return c.sources.threshold; }));
}

}  // namespace

void add_caps(List& list) {
    list.push_back(boolean<Config>(
        "caps.enabled", live, [](auto& c) -> auto& { return c.caps.enabled; }));
    list.push_back(real<Config>(
        "caps.trigger_factor", live, 1, 1000, [](auto& c) -> auto& { return c.caps.trigger_factor; }));
    list.push_back(real<Config>(
        "caps.factor", live, 1, 1000, [](auto& c) -> auto& { return c.caps.factor; }));
    list.push_back(duration<Config>(
        "caps.hold", live, "100ms", [](auto& c) -> auto& { return c.caps.hold; }));
    const auto pps = [&list](const char* name, std::uint64_t least, auto pick) {
        list.push_back(whole<Config>(std::string("caps.") + name, live, least, pps_max, pick));
    };
    pps(
        "tcp_trigger_pps", 0, [](auto& c) -> auto& { return c.caps.tcp_trigger_pps; });
    pps(
        "syn_trigger_pps", 0, [](auto& c) -> auto& { return c.caps.syn_trigger_pps; });
    pps(
        "udp_trigger_pps", 0, [](auto& c) -> auto& { return c.caps.udp_trigger_pps; });
    pps(
        "icmp_trigger_pps", 0, [](auto& c) -> auto& { return c.caps.icmp_trigger_pps; });
    pps(
        "other_trigger_pps", 0, [](auto& c) -> auto& { return c.caps.other_trigger_pps; });
    pps(
        "tcp_floor_pps", 1, [](auto& c) -> auto& { return c.caps.tcp_floor_pps; });
    pps(
        "syn_floor_pps", 1, [](auto& c) -> auto& { return c.caps.syn_floor_pps; });
    pps(
        "udp_floor_pps", 1, [](auto& c) -> auto& { return c.caps.udp_floor_pps; });
    pps(
        "icmp_floor_pps", 1, [](auto& c) -> auto& { return c.caps.icmp_floor_pps; });
    pps(
        "other_floor_pps", 1, [](auto& c) -> auto& { return c.caps.other_floor_pps; });
    pps(
        "syn_pps", 0, [](auto& c) -> auto& { return c.caps.syn_pps; });
    pps(
        "udp_pps", 0, [](auto& c) -> auto& { return c.caps.udp_pps; });
    pps(
        "icmp_pps", 0, [](auto& c) -> auto& { return c.caps.icmp_pps; });
    pps(
        "control_pps", 0, [](auto& c) -> auto& { return c.caps.control_pps; });
    list.push_back(port_list_of<Config>(
        "caps.port", GABION_CAP_PORTS_MAX,
        std::vector<PortNumber<PortCapConfig>>{{"pps", 1, pps_max, &PortCapConfig::pps}},
        [](auto& c) -> auto& { return c.caps.port; }));
}

void add_sources(List& list) {
    list.push_back(boolean<Config>(
        "sources.enabled", live, [](auto& c) -> auto& { return c.sources.enabled; }));
    list.push_back(choice<Config>(
        "sources.when", live, {"flood", "always"}, [](auto& c) -> auto& { return c.sources.when; }));
    list.push_back(whole<Config>(
        "sources.capacity", live, 1024, entries_max, [](auto& c) -> auto& { return c.sources.capacity; }));
    add_source_rates(list);
    list.push_back(duration<Config>(
        "sources.burst", live, "10ms", [](auto& c) -> auto& { return c.sources.burst; }));
    list.push_back(port_list_of<Config>(
        "sources.port", GABION_SOURCE_PORTS_MAX,
        std::vector<PortNumber<SourcePortConfig>>{{"pps", 1, pps_max, &SourcePortConfig::pps}},
        [](auto& c) -> auto& { return c.sources.port; }));
    list.push_back(boolean<Config>(
        "sources.ban", live, [](auto& c) -> auto& { return c.sources.ban; }));
    add_source_points(list);
}

void add_syn(List& list) {
    list.push_back(choice<Config>(
        "syn.way", live, {"auto", "cookies", "listener", "cap", "off"}, [](auto& c) -> auto& { return c.syn.way; }));
    list.push_back(whole<Config>(
        "syn.engage_pps", live, 10, pps_max, [](auto& c) -> auto& { return c.syn.engage_pps; }));
    list.push_back(duration<Config>(
        "syn.hold", live, "1s", [](auto& c) -> auto& { return c.syn.hold; }));
    list.push_back(whole<Config>(
        "syn.answer_pps", live, 1, pps_max, [](auto& c) -> auto& { return c.syn.answer_pps; }));
    list.push_back(whole<Config>(
        "syn.cap_pps", live, 1, pps_max, [](auto& c) -> auto& { return c.syn.cap_pps; }));
}

}  // namespace gabion::config
