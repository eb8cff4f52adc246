// SPDX-License-Identifier: Apache-2.0
// gabiond's command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace gabion::daemon {

struct DaemonOptions {
    std::string config = "/etc/gabion/gabion.toml";
    std::string interface;  // empty: as configured
    bool check = false;
    bool detach = false;
    std::optional<std::chrono::milliseconds> trial;
};

// The options, or the exit status with which the program ends now: 0 after --help and --version, 2 after wrong usage, whose
// complaint is on standard error.
struct ParsedOptions {
    std::optional<DaemonOptions> options;
    int exit_status = 0;
};
ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace gabion::daemon
