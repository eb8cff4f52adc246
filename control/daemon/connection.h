// SPDX-License-Identifier: Apache-2.0
// One client of the control socket: its bytes in and out, never blocking, both bounded. What to do with them is the server's.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "control/daemon/listener.h"
#include "control/wire/line_reader.h"
#include "dataplane/core/fd.h"

namespace gabion::daemon {

class Connection {
public:
    using Clock = std::chrono::steady_clock;

    Connection(UniqueFd fd, Peer peer, std::size_t line_bytes_max, Clock::time_point now);

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] const Peer& peer() const noexcept { return peer_; }

    // Reads what has come, one chunk at most. False when the peer has closed or the socket failed.
    bool receive(Clock::time_point now);

    wire::LineReader& lines() noexcept { return lines_; }
    [[nodiscard]] const wire::LineReader& lines() const noexcept { return lines_; }

    // The file that came with the bytes read so far; there is at most one, further ones are closed unseen.
    UniqueFd take_file() noexcept { return std::move(file_); }

    // Queues a line and sends what the socket takes. False when the socket failed.
    bool send(std::string_view line, Clock::time_point now);
    bool flush(Clock::time_point now);
    [[nodiscard]] std::size_t unsent() const noexcept { return output_.size() - sent_; }

    Clock::time_point request_since;  // when the request that is being read began, or the last one was answered
    Clock::time_point moved_at;       // when output last moved, or began to wait
    std::string topic;                // notifications that it asked for; empty: none
    std::uint64_t serial = 0;         // tells it from a later client with the same descriptor
    bool postponed = false;           // its request is being worked on
    std::function<void()> when_gone;  // to be told when it leaves while that is so
    std::string cut_because;          // to be cut off in the next round
    bool closing = false;             // takes no more requests; closed when all output is sent
    bool peer_closed = false;         // nothing more will come, but answers are still to be sent
    bool queued = false;              // in the server's list for the next round
    std::uint32_t watched = 0;        // events that the loop watches for it

private:
    UniqueFd fd_;
    Peer peer_;
    wire::LineReader lines_;
    UniqueFd file_;
    std::string output_;
    std::size_t sent_ = 0;
};

}  // namespace gabion::daemon
