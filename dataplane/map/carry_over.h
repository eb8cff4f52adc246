// SPDX-License-Identifier: Apache-2.0
// What the kernel itself wrote into tables whose size changes: taken over into the new ones before programs work on them. The ban
// book's tables are its own affair (ban/ban_book_move.cpp). What is not named here begins empty and fills again.
#pragma once

#include "dataplane/map/map_group.h"

namespace gabion::map {

// Copies what lies elsewhere in `to`. What the kernel notes in `from` meanwhile is noted again with the flow's next packet out.
void carry_over(const MapGroup& from, const MapGroup& to);

}  // namespace gabion::map
