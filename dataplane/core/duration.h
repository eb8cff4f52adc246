// SPDX-License-Identifier: Apache-2.0
// Lengths of time as people write them: "500ms", "10m", "1h30m", "2d". One parser for the configuration, the command line and
// the files of `ban load`.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "dataplane/core/result.h"

namespace gabion {

// The longest duration that is accepted: ten years. What is meant to last longer is meant to last for ever.
inline constexpr std::chrono::milliseconds duration_max = std::chrono::hours(24 * 3650);

// What is allowed, for error messages.
inline constexpr std::string_view duration_allowed =
    "a number with its unit, like 500ms, 30s, 10m, 1h30m or 7d, at most 3650d";

// One or more NUMBER UNIT pairs (ms, s, m, h, d, w), units descending, no blanks, no sign, no fractions. "0s" is a duration.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

// What parse_duration() reads back as the same value, at most days: "1h30m", "250ms", "0s".
std::string duration_text(std::chrono::milliseconds duration);

}  // namespace gabion
