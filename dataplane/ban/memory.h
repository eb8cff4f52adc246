// SPDX-License-Identifier: Apache-2.0
// The memory that the ban tables work on: views of the values of the mmap-able arrays in bpf/abi/ (table.h, quarantine.h,
// destination.h, control.h). The loader fills them from pinned maps and keeps the mappings alive; tests point them at vectors.
// Tables and Bloom filters have a power of two of buckets or words. A set has hits or state arrays, or neither:
//   operator, detector: hits_*;  quarantine: state_*;  allow, watch: none.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "bpf/abi/control.h"
#include "bpf/abi/destination.h"
#include "bpf/abi/quarantine.h"
#include "bpf/abi/table.h"
#include "dataplane/ban/prefix_map.h"

namespace gabion::ban {

struct SetMemory {
    std::span<gabion_bucket4> exact4;
    std::span<gabion_bucket6> exact6;
    std::span<gabion_bucket4> prefix4;
    std::span<gabion_bucket6> prefix6;

    // Index = bucket * GABION_STRIDE4 (or 6) + slot, beside the table of the same name.
    std::span<std::uint64_t> hits_exact4;
    std::span<std::uint64_t> hits_exact6;
    std::span<std::uint64_t> hits_prefix4;
    std::span<std::uint64_t> hits_prefix6;
    std::span<gabion_quarantine> state_exact4;
    std::span<gabion_quarantine> state_exact6;
    std::span<gabion_quarantine> state_prefix4;
    std::span<gabion_quarantine> state_prefix6;

    gabion_set_header* header = nullptr;  // &control->set[SET]
    PrefixMapMemory prefix_map;           // the same for all sets
    gabion_set set = GABION_SET_ALLOW;
};

struct BanMemory {
    gabion_control* control = nullptr;
    std::array<SetMemory, GABION_SET_COUNT> set;  // index = enum gabion_set
    PrefixMapMemory prefix_map;
    std::span<std::uint64_t> allow_bloom;  // two generations, one behind the other
    std::span<std::uint64_t> known_bloom;  // likewise
    std::span<gabion_bucket6> dest_table;
    std::span<gabion_destination> destinations;  // GABION_DESTINATIONS_MAX
};

}  // namespace gabion::ban
