// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/offload.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace gabion::net {

namespace {

constexpr std::array<std::string_view, 2> tag_stripping{"rx-vlan-hw-parse", "rx-vlan-stag-hw-parse"};
constexpr std::array<std::string_view, 2> merging_features{"rx-lro", "rx-gro-hw"};

template <typename List>
bool contains(const List& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

// Switches off what `harmful` says; what was on comes back.
template <typename Harmful>
Result<OffloadsBefore> switch_off(const Link& link, Harmful harmful) {
    auto present = features(link.name);
    if (!present) return present.error();
    OffloadsBefore before;
    std::vector<FeatureChange> wanted;
    for (const auto& feature : *present) {
        if (!harmful(feature.name) || !feature.active || !feature.changeable) continue;
        wanted.push_back({feature.name, false});
        before.switched_off.push_back(feature.name);
    }
    if (!wanted.empty()) {
        if (auto done = change_features(link.name, wanted); !done) return done.error();
    }
    return before;
}

Result<void> set_promiscuous(const Link& link, bool on) {
    LinkChange change;
    change.promiscuous = on;
    return change_link(link.index, change);
}

}  // namespace

bool harms_handover(std::string_view feature) noexcept {
    return contains(tag_stripping, feature) || contains(merging_features, feature);
}

Result<OffloadsBefore> prepare_offloads(const Link& link) { return switch_off(link, harms_handover); }

Result<OffloadsBefore> prepare_port(const Link& link, bool generic) {
    auto before = switch_off(link, [generic](const std::string& feature) {
        return harms_handover(feature) || (generic && feature == "rx-gro");
    });
    if (!before || link.promiscuous) return before;
    if (auto done = set_promiscuous(link, true); !done) return done.error();
    before->made_promiscuous = true;
    return before;
}

bool strips_tags(const std::string& feature) noexcept { return contains(tag_stripping, feature); }

Result<void> restore_offloads(const Link& link, const OffloadsBefore& before) {
    if (before.made_promiscuous) {
        if (auto done = set_promiscuous(link, false); !done) return done;
    }
    if (before.switched_off.empty()) return {};
    std::vector<FeatureChange> wanted;
    for (const auto& name : before.switched_off)
        wanted.push_back({name, true});
    return change_features(link.name, wanted);
}

std::optional<std::string> made_of_ports(const Link& link, const std::vector<Link>& all) {
    if (link.kind != "bond" && link.kind != "team") return std::nullopt;
    std::string ports;
    for (const Link& port : all)
        if (port.master == link.index) ports += (ports.empty() ? "" : ", ") + port.name;
    return link.name + " is a " + link.kind +
           ", and a worker's socket takes packets from a single port only; protect its ports " +
           (ports.empty() ? "(it has none yet)" : "(" + ports + ")") + " instead, each as an interface of its own";
}

Result<std::optional<std::string>> handover_obstacle(const Link& link) {
    const auto all = links();
    if (!all) return all.error();
    if (auto obstacle = made_of_ports(link, *all)) return obstacle;
    auto vlans = vlan_devices_on(link.index);
    if (!vlans) return vlans.error();
    if (vlans->empty()) return std::optional<std::string>{};
    auto present = features(link.name);
    if (!present) return present.error();
    // Between the ends of a veth pair a tag travels beside the frame, whatever the receiving end's features say.
    const bool stripped =
        link.kind == "veth" || std::any_of(present->begin(), present->end(), [](const Feature& feature) {
            return feature.active && strips_tags(feature.name);
        });
    if (!stripped) return std::optional<std::string>{};
    return std::optional<std::string>("VLAN device " + vlans->front().name + " stands on " + link.name +
                                      ", whose VLAN tags would be lost on the way through a worker");
}

}  // namespace gabion::net
