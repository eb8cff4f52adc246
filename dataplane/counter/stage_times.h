// SPDX-License-Identifier: Apache-2.0
// What the profiling program timed (bpf/abi/profile.h), summed over CPUs: for each stage how many packets and how long. The clock's
// own cost, as the stage `clock` measured it on the same packets, is taken off; what is left below 0 is 0. Pure. Times are ns.
//
// Quantiles come from cells of GABION_PROFILE_CELL_NS, straight within a cell. A quantile in the last cell is told as where that
// begins: it is at least so long.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bpf/abi/profile.h"

namespace gabion::counter {

struct StageCost {
    std::string_view name;
    std::string_view what;
    std::uint64_t packets = 0;  // timed in this stage
    double mean_ns = 0;
    double median_ns = 0;
    double p99_ns = 0;
    double most_ns = 0;
};

struct StageTimes {
    std::uint64_t packets = 0;      // timed
    double clock_ns = 0;            // median of one reading, which was taken off
    double packet_ns = 0;           // all stages together, for each timed packet on average
    std::vector<StageCost> stages;  // those that timed packets got to, in their order
};

StageTimes stage_times(std::span<const gabion_profile> cpus);

}  // namespace gabion::counter
