// SPDX-License-Identifier: Apache-2.0
#include "control/host/check.h"

namespace gabion::host {

namespace {

// The ordinary program and the profiling one, which is made of it; and that of an inside port.
bool own_program(const std::string& name) { return name == "gabion" || name == "gabion_inside"; }
constexpr const char* generic_cost =
    "every packet has a socket buffer made for it before it can be dropped; how much that costs depends on the driver";

}  // namespace

std::optional<Finding> present(const Facts&, const InterfaceFacts& interface) {
    Finding finding{.check = "interface",
                    .rank = Rank::critical,
                    .interface = interface.name,
                    .what = "there is no interface " + interface.name,
                    .cost = "nothing is protected there; gabiond waits for it",
                    .settings = {},
                    .steps = {"ip -brief link"}};
    if (!interface.link) return finding;
    if (interface.link->up) return std::nullopt;
    finding.what = "it is down";
    finding.cost = "no packet arrives";
    finding.steps = {"ip link set " + interface.name + " up"};
    return finding;
}

std::optional<Finding> native_xdp(const Facts&, const InterfaceFacts& interface) {
    if (interface.attach == "generic") return std::nullopt;
    const bool as_set_up = interface.xdp && interface.xdp->told;
    Finding finding{.check = "native-xdp",
                    .rank = Rank::slow,
                    .interface = {},
                    .what = "the driver (" + interface.driver + ") does not run XDP programs itself" +
                            (as_set_up ? " as the interface is set up now" : ""),
                    .cost = generic_cost,
                    .settings = {},
                    .steps = {}};
    if (!interface.xdp) {
        finding.rank = Rank::note;
        finding.what = "whether the driver (" + interface.driver + ") runs XDP programs itself is not known";
        finding.steps = {"gabion status, once gabiond runs, says how it is attached"};
        return finding;
    }
    if (interface.xdp->native) return std::nullopt;
    const std::string& kind = interface.link->kind;
    if (kind == "bond" || kind == "bridge" || kind == "vlan" || kind == "macvlan")
        finding.steps = {"protect the ports below " + interface.name + " instead: one [[interface]] for each"};
    else
        finding.steps = {
            "a card whose driver does: see `xdp-features` in the kernel's Documentation/netlink/specs/netdev.yaml"};
    return finding;
}

std::optional<Finding> generic_in_use(const Facts&, const InterfaceFacts& interface) {
    const bool native = interface.xdp && interface.xdp->native;
    if (!native) return std::nullopt;
    const bool in_use =
        interface.program && interface.program->generic && own_program(interface.program->name.value_or("gabion"));
    if (!in_use && interface.attach != "generic") return std::nullopt;
    Finding finding{.check = "generic-in-use",
                    .rank = Rank::slow,
                    .interface = {},
                    .what = {},
                    .cost = generic_cost,
                    .settings = {},
                    .steps = {}};
    finding.what = interface.attach == "generic"
                       ? "the configuration asks for generic attachment, and the driver could do better"
                       : "the XDP program is attached generically, though the driver could run it";
    // With "auto" a new gabiond keeps the attachment that it finds.
    finding.steps = {"set attach = \"native\" for " + interface.name + " in the configuration, then restart gabiond"};
    return finding;
}

std::optional<Finding> zero_copy(const Facts&, const InterfaceFacts& interface) {
    if (!interface.xdp || !interface.xdp->native || interface.xdp->zero_copy) return std::nullopt;
    return Finding{.check = "zero-copy",
                   .rank = Rank::note,
                   .interface = {},
                   .what = "the driver (" + interface.driver + ") has no zero copy for AF_XDP",
                   .cost = "a packet that goes through a worker is copied once; what is dropped or passed is not",
                   .settings = {},
                   .steps = {"nothing, unless sampling.one_in is small"}};
}

std::optional<Finding> foreign_program(const Facts&, const InterfaceFacts& interface) {
    if (!interface.program || !interface.program->name || own_program(*interface.program->name)) return std::nullopt;
    return Finding{
        .check = "foreign-program",
        .rank = Rank::critical,
        .interface = {},
        .what = "another XDP program is on it: " + *interface.program->name + " (id " +
                std::to_string(interface.program->id) + ")",
        .cost = "gabiond refuses to take its place: the interface stays unprotected",
        .settings = {},
        .steps = {"ip link set dev " + interface.name + (interface.program->generic ? " xdpgeneric off" : " xdp off")}};
}

std::optional<Finding> foreign_filters(const Facts&, const InterfaceFacts& interface) {
    if (interface.foreign_filters.empty()) return std::nullopt;
    std::string names;
    for (const auto& name : interface.foreign_filters)
        names += (names.empty() ? "" : ", ") + name;
    return Finding{
        .check = "foreign-filters",
        .rank = Rank::note,
        .interface = {},
        .what = "other programs stand at tc: " + names,
        .cost =
            "they see packets that Gabion passed, and may drop them without Gabion counting it; they are never touched",
        .settings = {},
        .steps = {"tc filter show dev " + interface.name + " ingress"}};
}

}  // namespace gabion::host
