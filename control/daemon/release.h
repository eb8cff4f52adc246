// SPDX-License-Identifier: Apache-2.0
// Takes off what an earlier daemon left on the network: programs, filters, switched-off offloads, pins.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "control/config/config.h"
#include "dataplane/core/result.h"
#include "dataplane/map/pin_directory.h"

namespace gabion::daemon {

class Keeper;

// Whether an earlier daemon's tables or programs are pinned there; it may be the directory of something else.
bool holds_interface(const map::PinDirectory& pins);

// One interface, whose pins these are. `whole`: clsact too, when nobody has a filter there.
void release_interface(const std::string& name, const map::PinDirectory& pins, Keeper& keeper, bool whole);

// All of them, and the tables. Waits so long for a daemon that is just ending; an error when one runs. Returns the interfaces' names.
Result<std::vector<std::string>> release_all(const config::Config& config, std::chrono::milliseconds patience);

}  // namespace gabion::daemon
