// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "control/host/check.h"
#include "dataplane/net/offload.h"
#include "dataplane/xsk/umem.h"

namespace gabion::host {

namespace {

template <typename List>
bool contains(const List& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

bool protects(const Facts& facts, const std::string& interface) {
    return std::any_of(facts.wanted.interfaces.begin(), facts.wanted.interfaces.end(),
                       [&](const Wanted::Interface& one) { return one.name == interface; });
}

}  // namespace

std::optional<Finding> offloads(const Facts&, const InterfaceFacts& interface) {
    Finding finding{
        .check = "offloads",
        .rank = interface.program ? Rank::loss : Rank::slow,
        .interface = {},
        .what = {},
        .cost = "frames merged or robbed of their VLAN tag by the card cannot go through a worker as they came",
        .settings = {},
        .steps = {}};
    for (const auto& feature : interface.features) {
        if (!feature.active || !net::harms_handover(feature.name)) continue;
        finding.what += (finding.what.empty() ? "" : ", ") + feature.name;
        if (feature.changeable)
            finding.settings.push_back({SettingKind::feature, interface.name, feature.name, "off"});
        else
            finding.steps.push_back("the driver does not let " + feature.name + " be switched off");
    }
    if (finding.what.empty()) return std::nullopt;
    finding.what = "switched on: " + finding.what;
    if (!interface.program) finding.cost += "; gabiond switches off what it can when it starts";
    return finding;
}

std::optional<Finding> vlan_tags(const Facts&, const InterfaceFacts& interface) {
    if (!interface.handover_obstacle) return std::nullopt;
    // What gabiond will switch off is no obstacle.
    const bool will_go =
        interface.link->kind != "veth" &&
        std::any_of(interface.features.begin(), interface.features.end(), [](const net::Feature& feature) {
            return feature.active && feature.changeable && net::harms_handover(feature.name);
        });
    if (will_go) return std::nullopt;
    return Finding{
        .check = "vlan-tags",
        .rank = Rank::loss,
        .interface = {},
        .what = *interface.handover_obstacle,
        .cost = "nothing is handed to the workers: the detectors see nothing of this interface",
        .settings = {},
        .steps = {"take the VLAN devices off " + interface.name + ", or use a card that lets rxvlan be switched off"}};
}

std::optional<Finding> frame_length(const Facts&, const InterfaceFacts& interface) {
    constexpr std::uint32_t longest = xsk::chunk_large_bytes - xsk::headroom_bytes;
    const std::uint32_t mtu = interface.link->mtu;
    if (mtu + xsk::link_header_bytes <= longest) return std::nullopt;
    return Finding{
        .check = "mtu",
        .rank = Rank::loss,
        .interface = {},
        .what = "the MTU is " + std::to_string(mtu) + "; frames longer than " + std::to_string(longest) +
                " bytes do not fit the workers' memory",
        .cost = "they pass unseen by the detectors, and many drivers refuse native XDP above a page",
        .settings = {},
        .steps = {"ip link set dev " + interface.name + " mtu 1500    # if the network's other hosts agree"}};
}

std::optional<Finding> unprotected_ports(const Facts& facts, const InterfaceFacts& interface) {
    if (!interface.master || (interface.master->kind != "bond" && interface.master->kind != "team"))
        return std::nullopt;
    Finding finding{.check = "bond-ports",
                    .rank = Rank::critical,
                    .interface = {},
                    .what = {},
                    .cost = "what arrives there is not filtered",
                    .settings = {},
                    .steps = {}};
    for (const auto& port : interface.master->other_ports) {
        if (protects(facts, port)) continue;
        finding.what += (finding.what.empty() ? "" : ", ") + port;
        finding.steps.push_back("add to the configuration: [[interface]] name = \"" + port + "\"");
    }
    if (finding.what.empty()) return std::nullopt;
    finding.what = "other ports of " + interface.master->name + " are not protected: " + finding.what;
    return finding;
}

std::optional<Finding> reverse_path(const Facts& facts, const InterfaceFacts& interface) {
    constexpr unsigned strict = 1;
    constexpr const char* loose = "2";
    const auto& routes = facts.default_routes;
    if (interface.rp_filter != strict || routes.empty()) return std::nullopt;
    const bool here = contains(routes, interface.name);
    if (here && routes.size() == 1) return std::nullopt;
    Finding finding{
        .check = "rp-filter",
        .rank = Rank::note,
        .interface = {},
        .what = {},
        .cost =
            "the stack drops what arrives here and would be answered elsewhere; Gabion counts it as passed. So far "
            "rp_filter dropped " +
            std::to_string(facts.reverse_path_drops) + " packets on this host",
        .settings = {},
        .steps = {}};
    const std::string file = "/proc/sys/net/ipv4/conf/" + interface.name + "/rp_filter";
    const Setting loosen{SettingKind::file, file, {}, loose};
    if (here && facts.reverse_path_drops > 0) {
        finding.rank = Rank::loss;
        finding.what = "rp_filter is strict and a default route leaves by another interface, too";
        finding.settings = {loosen};
        return finding;
    }
    finding.what = here ? "rp_filter is strict and a default route leaves by another interface, too"
                        : "rp_filter is strict and the default route leaves by " + routes.front();
    finding.steps = {command_of(loosen) + "    # only if packets from anywhere are to arrive here"};
    return finding;
}

}  // namespace gabion::host
