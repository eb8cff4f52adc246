// SPDX-License-Identifier: Apache-2.0
// Loops that take packets from the AF_XDP socket of a test bed for a while: bare ones, and what a worker does. Each runs in the calling
// thread, or in one that inherits its CPU, and tells how many packets came and the CPU time of the thread for each, in nanoseconds. What
// cannot be opened ends the program.
#pragma once

#include <cstdint>
#include <string>

#include "tests/netns/handover_bed.h"

namespace gabion::probe {

inline constexpr const char* bare = "bare";
inline constexpr const char* bare_read = "bare, one byte read";
inline constexpr const char* unobserved = "worker, no detector";
inline constexpr const char* observed = "worker, three detectors";
inline constexpr const char* bare_back = "bare, handing back";
inline constexpr const char* whole = "worker, handing back";

struct Measured {
    std::uint64_t packets = 0;
    double ns = 0;
};

// `kind`: one of the names above.
Measured run_kind(Bed& bed, double seconds, const std::string& kind);

}  // namespace gabion::probe
