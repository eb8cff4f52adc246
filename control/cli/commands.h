// SPDX-License-Identifier: Apache-2.0
// What each command does. All return the exit status: 0 done, 1 failed, 2 wrong usage; errors are one line on standard error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gabion::cli {

// What the command line said. Empty texts: not given.
struct Options {
    std::string socket;
    bool json = false;

    bool per_core = false;
    bool follow = false;
    bool force = false;
    std::string target;
    std::string duration;
    std::string note;
    std::string file;
    std::string mode;
    std::optional<std::string> skip;
    std::vector<std::string> files;
    std::string learn;
    std::string filter;
    std::string config;
    std::vector<std::string> interfaces;
    bool dry_run = false;
    bool undo = false;
    bool boot = false;
    double interval = 1;   // seconds
    unsigned count = 0;    // 0: until it is interrupted
    unsigned seconds = 0;  // 0: the daemon's default
};

int status(const Options& options);
int counters(const Options& options);
int events(const Options& options);
int ban_add(const Options& options);
int ban_del(const Options& options);
int ban_list(const Options& options);
int ban_load(const Options& options);
int allow_add(const Options& options);
int allow_del(const Options& options);
int allow_list(const Options& options);
int panic(const Options& options);
int confirm(const Options& options);
int top(const Options& options);
int why(const Options& options);
int profile(const Options& options);
int replay(const Options& options);
int reload(const Options& options);
int doctor(const Options& options);  // 1: findings; 2: also when the configuration cannot be read
int tune(const Options& options);
int config_check(const Options& options);
int config_show(const Options& options);

// Parses the arguments and runs the command.
int run(int argc, const char* const* argv);

}  // namespace gabion::cli
