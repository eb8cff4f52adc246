// SPDX-License-Identifier: Apache-2.0
// A capture file (pcap or pcapng, read by libpcap) as the frames that a network card would have delivered: Ethernet from the first byte
// on, whatever was captured, and as long as they were on the wire. What a snap length cut off is filled with zeros, so that a header that
// speaks of more bytes than were kept is not taken for a lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/core/result.h"

struct pcap;

namespace gabion::replay {

struct Frame {
    std::span<const std::byte> bytes;  // valid until the next one is read
    std::uint64_t time_ns = 0;         // since 1970, as captured
};

class Capture {
public:
    // Takes Ethernet, raw IP, Linux "cooked" captures (both versions) and BSD loopback; `filter`, a pcap-filter(7) expression, leaves
    // out what does not match. "-" reads standard input.
    static Result<Capture> open(const std::string& path, const std::string& filter = {});

    // The next frame; none at the end of the file.
    Result<std::optional<Frame>> next();

private:
    struct Close {
        void operator()(pcap* handle) const noexcept;
    };

    Capture(std::string path, std::unique_ptr<pcap, Close> handle, int link) noexcept
        : path_(std::move(path)), handle_(std::move(handle)), link_(link) {}

    std::string path_;
    std::unique_ptr<pcap, Close> handle_;
    int link_;
    std::vector<std::byte> frame_;
};

}  // namespace gabion::replay
