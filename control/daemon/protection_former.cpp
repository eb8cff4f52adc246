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
    for (const std::string& name : tables_->pins().subdirectories()) {
        const auto pins = tables_->pins().subdirectory(name);
        if (named(config_, name) || !pins || !holds_interface(*pins)) continue;  // perhaps the pins of another daemon
        release_interface(name, *pins, *keeper_, false);
        events_.raise(Severity::notice, "interface-released",
                      name + " is no longer configured and no longer protected");
    }
}

// Ports that are to take another part, and would refuse it while the program of the former one is on them: an outside port that becomes
// an inside one, and the other way round. All others go on until their successors are in place.
void Protection::release_moved() {
    for (const std::string& name : tables_->pins().subdirectories()) {
        const auto pins = tables_->pins().subdirectory(name);
        if (!pins || !holds_interface(*pins)) continue;
        const auto inside = net::link_by_index(static_cast<std::uint32_t>(InsidePort::former(*pins)));
        if (inside && inside->name != peer_of(config_, name) &&
            (named(config_, inside->name) || is_peer(config_, inside->name)))
            InsidePort::release_former(*pins, *keeper_, 0);
        if (!named(config_, name) && is_peer(config_, name)) release_interface(name, *pins, *keeper_, false);
    }
}

}  // namespace gabion::daemon
