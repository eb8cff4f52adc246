// SPDX-License-Identifier: Apache-2.0
// Takes off what an earlier daemon left on the network: programs, filters, switched-off offloads, pins.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "control/config/config.h"
#include "dataplane/core/result.h"
#include "dataplane/map/pin_directory.h"
#include "dataplane/net/link.h"

namespace gabion::daemon {

class Keeper;

// The interfaces whose tables or programs an earlier daemon pinned below, and where; directories of something else are left out.
std::vector<std::pair<std::string, map::PinDirectory>> pinned_interfaces(const map::PinDirectory& pins);

// All that is on an interface beside the XDP program: filters, switched-off offloads. `whole`: clsact too, when nobody has a filter there,
// whoever made it.
void release_link(const net::Link& link, const std::string& name, Keeper& keeper, bool whole);

// One interface, whose pins these are.
void release_interface(const std::string& name, const map::PinDirectory& pins, Keeper& keeper, bool whole);

// All of them, and the tables. Waits so long for a daemon that is just ending; an error when one runs. Returns the interfaces' names.
Result<std::vector<std::string>> release_all(const config::Config& config, std::chrono::milliseconds patience);

}  // namespace gabion::daemon
