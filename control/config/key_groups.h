// SPDX-License-Identifier: Apache-2.0
// What the files that make up the list of keys share.
#pragma once

#include <cstdint>
#include <vector>

#include "control/config/keys.h"
#include "control/config/values.h"

namespace gabion::config {

using List = std::vector<Key<Config>>;

inline constexpr bool live = true;
inline constexpr bool at_start = false;
inline constexpr std::uint64_t pps_max = 100'000'000;
inline constexpr std::uint32_t entries_max = 16'777'216;

// A section each.
void add_syn(List& list);
void add_caps(List& list);
void add_sources(List& list);

}  // namespace gabion::config
