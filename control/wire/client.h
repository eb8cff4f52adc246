// SPDX-License-Identifier: Apache-2.0
// The command line's end of the socket: one blocking connection, one call at a time. Every wait has an end: a daemon that hangs
// makes the caller say so, not hang too.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "control/wire/json.h"
#include "control/wire/line_reader.h"
#include "dataplane/core/fd.h"
#include "dataplane/core/result.h"

namespace gabion::wire {

class Client {
public:
    // Errors say what to do: start the daemon, name its socket, become a member of the group. `Error::code` is an errno.
    static Result<Client> connect(const std::string& path, std::chrono::milliseconds timeout);

    // Sends the request, with the file `fd` beside it unless that is negative, and waits for its answer. `Error::code` is the
    // daemon's code (see exit_status()) or an errno. Notifications that come in between are kept for next_notification().
    Result<Json> call(std::string_view method, const Json& params, int fd = -1);

    // Waits, without end, for the next notification and returns its parameters.
    Result<Json> next_notification();

private:
    Client(UniqueFd fd, std::string path, std::chrono::milliseconds timeout);

    Result<void> send(std::string_view line, int fd);
    Result<std::string> read_line();
    Result<void> set_timeout(int option, std::chrono::milliseconds timeout);

    UniqueFd fd_;
    std::string path_;
    std::chrono::milliseconds timeout_;
    LineReader reader_;
    std::deque<std::string> notifications_;  // whole lines
    std::uint64_t next_id_ = 1;
};

// A sealed copy of a file's text in memory, to be sent with a call: the daemon reads what the caller could read, nothing else,
// and nobody can change it or make the read hang. `path` "-" is standard input.
Result<UniqueFd> sealed_copy(const std::string& path);

}  // namespace gabion::wire
