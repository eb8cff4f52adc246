// SPDX-License-Identifier: Apache-2.0
// What a burst sends by one queue of a port. One thread's own. What cannot leave is freed and counted, and never kept: a port that is
// slow or down holds up nothing.
#pragma once

#include <array>
#include <cstdint>

#include "bpf/abi/port.h"

struct rte_mbuf;

namespace gabion::dpdk {

inline constexpr std::uint16_t burst_packets = 64;

class Outbox {
public:
    // `failures`: of frames that were forwarded; shared by all threads.
    Outbox(std::uint16_t port, std::uint16_t queue, std::uint32_t frame_bytes_max, gabion_port& failures) noexcept
        : port_(port), queue_(queue), frame_bytes_max_(frame_bytes_max), failures_(failures) {}

    // At most burst_packets until send(). `seen`: it was handed over to the detectors first.
    void add(rte_mbuf* frame, bool seen) noexcept;
    // Returns how many of those that were seen did not leave; the others that did not are counted in `failures`.
    std::uint32_t send() noexcept;

private:
    std::uint16_t port_;
    std::uint16_t queue_;
    std::uint32_t frame_bytes_max_;
    gabion_port& failures_;
    std::uint16_t count_ = 0;
    std::uint32_t seen_too_long_ = 0;
    std::array<rte_mbuf*, burst_packets> frames_{};
    std::array<bool, burst_packets> seen_{};
};

}  // namespace gabion::dpdk
