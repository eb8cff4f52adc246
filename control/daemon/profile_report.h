// SPDX-License-Identifier: Apache-2.0
// What `gabion profile` answers, as plain values. Times are ns; counts are of the time that was profiled.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/counter/stage_times.h"

namespace gabion::daemon {

// By the kernel's own statistics; what they cost themselves is taken off.
struct ProgramCost {
    std::string name;
    std::uint64_t runs = 0;
    double ns = 0;  // a run
};

struct ProfiledInterface {
    std::string name;
    std::string attach;
    std::string note;  // why there are no stages; empty: there are
    std::uint64_t received = 0;
    std::vector<std::pair<std::string, std::uint64_t>> reasons;  // packets, where there were any
    std::vector<ProgramCost> programs;                           // while the ordinary ones ran
    ProgramCost profiling;                                       // the one that timed the stages
    counter::StageTimes stages;
};

struct MapUse {
    std::string interface {};  // empty: all share it
    std::string name{};
    std::string unit{};  // what is counted: "entries", "bits", ...
    std::uint64_t used = 0;
    std::uint64_t size = 0;
    std::uint64_t bytes = 0;
};

struct ProfileReport {
    double seconds = 0;         // from the first to the last reading of the counters
    std::string programs_note;  // why the whole programs' cost is not known; empty: it is
    double empty_ns = 0;        // what the statistics cost themselves
    std::vector<ProfiledInterface> interfaces;
    std::vector<MapUse> maps;
};

}  // namespace gabion::daemon
