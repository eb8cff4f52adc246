// SPDX-License-Identifier: Apache-2.0
// What an earlier daemon left on interfaces that have another part now, or none.
#include <algorithm>

#include "control/daemon/protection.h"
#include "control/daemon/release.h"

namespace gabion::daemon {
namespace {

bool named(const config::Config& config, const std::string& name) {
    return std::any_of(config.interfaces.begin(), config.interfaces.end(),
                       [&](const config::InterfaceConfig& interface) { return interface.name == name; });
}

// The port that this interface forwards to; empty in host mode, and when it is not configured.
std::string peer_of(const config::Config& config, const std::string& name) {
    for (const config::InterfaceConfig& interface : config.interfaces)
        if (interface.name == name && interface.mode == "inline") return interface.peer;
    return {};
}

bool is_peer(const config::Config& config, const std::string& name) {
    return std::any_of(config.interfaces.begin(), config.interfaces.end(),
                       [&](const auto& interface) { return interface.mode == "inline" && interface.peer == name; });
}

}  // namespace

// Interfaces that an earlier daemon protected and that are no longer configured: nobody would tend them any more.
void Protection::release_former() {
    for (const auto& [name, pins] : pinned_interfaces(tables_->pins())) {
        if (named(config_, name)) continue;
        release_interface(name, pins, *keeper_, false);
        events_.raise(Severity::notice, "interface-released",
                      name + " is no longer configured and no longer protected");
    }
}

// An interface that was renamed, and the configuration with it: its program, tables and counts go on under the new name.
void Protection::follow_renamed() {
    for (const auto& [name, pins] : pinned_interfaces(tables_->pins())) {
        if (named(config_, name)) continue;
        const auto link = net::link_by_index(static_cast<std::uint32_t>(map::XdpLink(pins).interface()));
        if (!link || !named(config_, link->name) || !tables_->pins().rename(name, link->name)) continue;
        keeper_->remember_offloads(link->name, keeper_->offloads(name));
        keeper_->forget_offloads(name);
        events_.raise(Severity::notice, "interface-renamed", name + " is called " + link->name + " now");
    }
}

// Ports that are to take another part, and would refuse it while the program of the former one is on them: an outside port that becomes
// an inside one, and the other way round. All others go on until their successors are in place.
void Protection::release_moved() {
    for (const auto& [name, pins] : pinned_interfaces(tables_->pins())) {
        const auto inside = net::link_by_index(static_cast<std::uint32_t>(InsidePort::former(pins)));
        if (inside && inside->name != peer_of(config_, name) &&
            (named(config_, inside->name) || is_peer(config_, inside->name)))
            InsidePort::release_former(pins, *keeper_, 0);
        if (!named(config_, name) && is_peer(config_, name)) release_interface(name, pins, *keeper_, false);
    }
}

}  // namespace gabion::daemon
