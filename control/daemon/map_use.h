// SPDX-License-Identifier: Apache-2.0
// How full the kernel side's maps are. What user space counts anyway is taken from there; what the kernel fills is counted in the
// mapped memory, some 10 MiB at the default capacities, which is why that part may run on any thread.
#pragma once

#include <vector>

#include "control/daemon/profile_report.h"
#include "dataplane/ban/ban_book.h"
#include "dataplane/map/map_group.h"

namespace gabion::daemon {

// Tables of addresses and prefixes, with what is kept beside them. On the control thread.
std::vector<MapUse> use_of_sets(const map::MapGroup& shared, const ban::BanBook& book);

// All other shared maps. On any thread.
std::vector<MapUse> use_of_others(const map::MapGroup& shared);

// An interface's own maps. `sockets`: workers whose sockets are in the socket map.
std::vector<MapUse> use_of_interface(const map::MapGroup& own, const std::string& interface, std::uint64_t sockets);

}  // namespace gabion::daemon
