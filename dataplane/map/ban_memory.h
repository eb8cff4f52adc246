// SPDX-License-Identifier: Apache-2.0
// The pinned maps as the memory that the ban tables work on, and the first words of a new control page.
#pragma once

#include "dataplane/ban/memory.h"
#include "dataplane/map/map_group.h"

namespace gabion::map {

// Views into `shared`, which must outlive them.
ban::BanMemory ban_memory(const MapGroup& shared);

// Gives a control page that was never used its version and random hash keys. Returns false when the page belongs to another version
// of the layout: then every map must be made anew.
bool prepare_control(gabion_control& control);

}  // namespace gabion::map
