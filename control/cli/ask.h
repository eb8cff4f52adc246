// SPDX-License-Identifier: Apache-2.0
// What the commands share: asking the daemon, printing the answer one way or the other, failing with one line.
#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "control/cli/commands.h"
#include "control/cli/table.h"
#include "control/wire/json.h"
#include "dataplane/core/address.h"
#include "dataplane/core/result.h"

namespace gabion::cli {

// Prints "gabion: TEXT" and returns `exit_status`.
int fail(std::string_view text, int exit_status);

// The socket's path: --socket, else GABION_SOCKET, else the default.
std::string socket_path(const Options& options);

// Connects, calls, hands the result to `done`, which prints it; with --json prints the result itself. `work`: how long the daemon
// takes by order, besides what it may need to answer.
int ask(const Options& options, std::string_view method, const Json& params,
        const std::function<void(const Json&)>& done, int fd = -1, std::chrono::seconds work = {});

// Asks page by page: `row` takes each entry; with --json the output is one array. Memory stays at one page.
int ask_pages(const Options& options, std::string_view method, Table table, void (*row)(Table&, const Json&),
              const char* when_empty);

// An address or prefix as the daemon will read it.
Result<Prefix> target_of(const Options& options);

}  // namespace gabion::cli
