// SPDX-License-Identifier: Apache-2.0
// A stream of numbered UDP datagrams from the world to the host of a bed, and what came of it: packets, and seconds. The programs that
// send and receive are gbn-send and gbn-recv; one that does not start or report ends the probe.
#pragma once

#include <cstdint>
#include <string>

#include "tests/netns/handover_bed.h"

namespace gabion::probe {

struct DatagramStream {
    std::string tools;  // folder of gbn-send and gbn-recv
    bool v6 = false;
    std::uint64_t count = 0;
    std::uint64_t rate_pps = 0;
};

struct Outcome {
    std::uint64_t sent = 0, unique = 0, duplicated = 0, reordered = 0;
    std::uint64_t overflowed = 0;  // reached the socket, which was full: the receiving program got no CPU
    double seconds = 0;
    [[nodiscard]] std::uint64_t lost() const { return sent - unique - overflowed; }
};

// Returns when the socket is open. It waits for the stream's count.
Child start_receiver(Bed& bed, const DatagramStream& stream);

// A veth receives on its sender's CPU: that is the last one, workers begin with the first.
Child start_sender(Bed& bed, const DatagramStream& stream);

// Datagrams that found a full socket in the caller's namespace so far.
std::uint64_t socket_overflows();

// In a namespace where nothing else overflowed since `overflows_before`.
Outcome finish(Child& sender, Child& receiver, std::uint64_t overflows_before);

}  // namespace gabion::probe
