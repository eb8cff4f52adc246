// SPDX-License-Identifier: Apache-2.0
// Which maps there are and how large: those that all interfaces share, and those that each has for itself. One place for names, value types and
// the rule that turns a capacity (entries) into buckets.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/map/map_group.h"

namespace gabion::map {

// Entries that each set must hold, per address family.
struct Capacities {
    std::uint32_t allow = 65536;
    std::uint32_t operator_bans = 1048576;
    std::uint32_t detector_bans = 65536;
    std::uint32_t quarantine = 65536;
    std::uint32_t watch = 4096;
    std::uint32_t operator_prefixes = 131072;
    std::uint32_t prefixes = 16384;  // of every other set
    std::uint32_t known_sources = 1048576;
    std::uint32_t flows = 65536;
    std::uint32_t proven = 65536;   // sources of both families
    std::uint32_t sources = 65536;  // whose rates are kept, of each kind of account

    bool operator==(const Capacities&) const = default;
    // The arrays of bpf/abi/syn.h, powers of two. What shares a cell is engaged together, or answered together no more often than one.
    std::uint32_t syn_cells = 4096;
    std::uint32_t syn_sources = 65536;
    std::uint32_t syn_first = 524288;  // of 100,000 first SYNs a second eight in ten are remembered for one second
};

// Buckets (a power of two) in which `entries` find a place: see GABION_PROBE_MAX for the odds.
std::uint32_t buckets4(std::uint32_t entries) noexcept;
std::uint32_t buckets6(std::uint32_t entries) noexcept;
// Of the table of sources that proved themselves.
std::uint32_t proven_buckets(std::uint32_t sources) noexcept;

std::vector<MapSpec> shared_maps(const Capacities& capacities);
// The last three are for an inline pair alone.
std::vector<MapSpec> interface_maps(std::uint32_t cpus, std::uint32_t queues);

}  // namespace gabion::map
