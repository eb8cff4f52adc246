// SPDX-License-Identifier: Apache-2.0
// Points in time as the socket and the log write them: RFC 3339, UTC, milliseconds.
#pragma once

#include <chrono>
#include <string>

namespace gabion::wire {

using WallTime = std::chrono::system_clock::time_point;

// "2031-07-09T16:05:00.250Z"
std::string utc_text(WallTime time);

}  // namespace gabion::wire
