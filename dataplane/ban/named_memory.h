// SPDX-License-Identifier: Apache-2.0
// The ban tables' memory from whatever holds the maps' values under the maps' names: the pinned maps (map/map_group.h) or the
// host's home (core/host_pipeline.h). `Maps` has values<T>(name), a view that is empty when there is none of that name. What is
// returned are views into `maps`, which must outlive them.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "dataplane/ban/memory.h"

namespace gabion::ban {

// By enum gabion_set.
inline constexpr std::array<const char*, GABION_SET_COUNT> map_prefixes{"allow", "op", "det", "quar", "watch"};

template <typename Maps>
SetMemory set_memory(Maps& maps, gabion_set which) {
    const std::string set = map_prefixes[which];
    SetMemory memory;
    memory.exact4 = maps.template values<gabion_bucket4>(set + "_e4");
    memory.exact6 = maps.template values<gabion_bucket6>(set + "_e6");
    memory.prefix4 = maps.template values<gabion_bucket4>(set + "_p4");
    memory.prefix6 = maps.template values<gabion_bucket6>(set + "_p6");
    memory.hits_exact4 = maps.template values<std::uint64_t>(set + "_e4_hits");
    memory.hits_exact6 = maps.template values<std::uint64_t>(set + "_e6_hits");
    memory.hits_prefix4 = maps.template values<std::uint64_t>(set + "_p4_hits");
    memory.hits_prefix6 = maps.template values<std::uint64_t>(set + "_p6_hits");
    memory.state_exact4 = maps.template values<gabion_quarantine>(set + "_e4_state");
    memory.state_exact6 = maps.template values<gabion_quarantine>(set + "_e6_state");
    memory.state_prefix4 = maps.template values<gabion_quarantine>(set + "_p4_state");
    memory.state_prefix6 = maps.template values<gabion_quarantine>(set + "_p6_state");
    memory.header = &maps.template values<gabion_control>("control").data()->set[which];
    memory.prefix_map = {.map4 = maps.template values<std::uint64_t>("prefix_map4"),
                         .lengths4 = maps.template values<gabion_prefix_lengths>("prefix_lengths4"),
                         .map6 = maps.template values<gabion_prefix_line6>("prefix_map6"),
                         .lengths6 = maps.template values<gabion_prefix_lengths>("prefix_lengths6")};
    memory.set = which;
    return memory;
}

template <typename Maps>
BanMemory ban_memory(Maps& maps) {
    BanMemory memory;
    memory.control = maps.template values<gabion_control>("control").data();
    for (std::size_t set = 0; set < memory.set.size(); ++set)
        memory.set[set] = set_memory(maps, static_cast<gabion_set>(set));
    memory.prefix_map = memory.set.front().prefix_map;
    memory.allow_bloom = maps.template values<std::uint64_t>("allow_bloom");
    memory.known_bloom = maps.template values<std::uint64_t>("known_bloom");
    memory.dest_table = maps.template values<gabion_bucket6>("dest_table");
    memory.destinations = maps.template values<gabion_destination>("destinations");
    return memory;
}

}  // namespace gabion::ban
