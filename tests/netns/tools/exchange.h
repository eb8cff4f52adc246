// SPDX-License-Identifier: Apache-2.0
// One request and its answer between a client's address and the server, on a socket of its own that never blocks. `step` goes as
// far as it can and says how it stands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/netns/tools/lab.h"

namespace gabion::lab {

// Byte i is the low byte of i: a shifted, lost or repeated piece of a body shows.
std::string pattern(std::size_t bytes);
bool follows_pattern(std::string_view bytes, std::size_t offset);
// The Content-Length of an HTTP head; 0 when it has none.
std::uint64_t content_length(const std::string& head);

enum class Kind { download, upload, udp, ping };

struct Target {
    Kind kind = Kind::download;
    Address server;
    std::uint16_t port = 80;
    std::size_t bytes = 1000;  // of the body, the datagram, the echo
};

class Exchange {
public:
    enum class State { waiting_to_write, waiting_to_read, done, failed };

    Exchange(const Target& target, const Address& client);
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange();

    State step();
    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] std::uint64_t started_ns() const { return started_ns_; }
    // Why it failed: errno, or 0 when the answer was wrong.
    [[nodiscard]] int error() const { return error_; }

private:
    void write_request();
    State fail_with(int error);
    State write();
    State read_stream();
    State read_datagram();
    State check_stream();

    const Target& target_;
    int fd_ = -1;
    int error_ = 0;
    std::uint64_t started_ns_;
    std::string request_;
    std::size_t written_ = 0;
    std::string answer_;
};

}  // namespace gabion::lab
