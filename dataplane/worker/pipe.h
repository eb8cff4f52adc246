// SPDX-License-Identifier: Apache-2.0
// The frames' round through a worker: fill ring, receive ring, transmit ring, completion ring, fill ring. Each frame is always in
// exactly one of them, so there is no list of free ones. In inline mode the transmitting end is the other port.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <string>

#include "bpf/abi/limits.h"
#include "dataplane/core/result.h"
#include "dataplane/xsk/socket.h"

namespace gabion::worker {

// Frames on their way out that the kernel has not given back. A veth ring holds 256, a CPU's backlog 1,000.
inline constexpr std::uint32_t outstanding_max = 128;
inline constexpr std::uint32_t transmit_entries = 256;
// Frames posted to the fill ring beyond the credit, for what is on its way out and not yet free again. Copying uses frames in
// turn, so more of them only costs cache.
inline constexpr std::uint32_t posted_spare = 64;
// A driver with zero copy keeps its ring filled with at least so many.
inline constexpr std::uint32_t chunks_min = 2048;

struct PipeConfig {
    std::string interface;    // protected
    std::uint32_t queue = 0;  // its receive queue
    std::string way_out;      // near end of the private pair
    std::uint32_t out_queue = 0;
    std::uint32_t mark = 0;
    std::uint32_t mtu = 1500;
    std::uint32_t credit =
        GABION_CREDIT_DEFAULT;  // packets that may be in the worker's hands, GABION_CREDIT_MAX at most
};

// What the rings are made of for a credit: frames posted, and entries of the receive ring, which therefore cannot be full.
[[nodiscard]] constexpr std::uint32_t posted_for(std::uint32_t credit) noexcept { return credit + posted_spare; }
[[nodiscard]] constexpr std::uint32_t ring_entries_for(std::uint32_t credit) noexcept {
    return std::bit_ceil(posted_for(credit));
}
[[nodiscard]] constexpr std::uint32_t chunks_for(std::uint32_t credit) noexcept {
    return std::max(chunks_min, ring_entries_for(credit));
}

class Pipe {
public:
    static Result<Pipe> open(const PipeConfig& config);

    // Takes back what was transmitted and refills. Returns how many frames are in the fill ring again.
    std::uint32_t reclaim() noexcept;

    // How many received frames may be taken now; the first has the number `first`. `at` reads one, `pass_on` puts it on the
    // transmit ring, `refill` gives its frame back at once (the packet is dropped). Every frame taken goes one of the two ways.
    std::uint32_t take(std::uint32_t most, std::uint32_t& first) noexcept;
    [[nodiscard]] const xdp_desc& at(std::uint32_t number) noexcept { return rx_.rx().at(number); }
    void pass_on(const xdp_desc& frame) noexcept;
    void refill(std::uint64_t address) noexcept;
    // All frames of the last `take` have been dealt with.
    void release(std::uint32_t count) noexcept;

    // Makes the kernel send. Returns how many transmits it reported as failed.
    std::uint32_t kick() noexcept;

    [[nodiscard]] std::uint32_t outstanding() const noexcept { return outstanding_; }
    [[nodiscard]] std::uint32_t waiting() noexcept { return tx_.tx().waiting(); }
    // The way out is gone (interface down or deleted): frames stay on the ring until it is back.
    [[nodiscard]] bool blocked() const noexcept { return blocked_; }

    [[nodiscard]] const xsk::Umem& umem() const noexcept { return rx_.umem(); }
    [[nodiscard]] const xsk::Socket& receiver() const noexcept { return rx_; }
    // A zero-copy driver that waits for frames in the fill ring.
    void wake_driver() noexcept;

private:
    Pipe(xsk::Socket rx, xsk::Socket tx, std::uint32_t posted) noexcept
        : rx_(std::move(rx)), tx_(std::move(tx)), posted_(posted) {}

    xsk::Socket rx_;
    xsk::Socket tx_;
    std::uint32_t posted_ = 0;
    std::uint32_t outstanding_ = 0;
    std::uint32_t pending_tx_ = 0;    // written to the transmit ring, not submitted
    std::uint32_t pending_fill_ = 0;  // likewise, fill ring
    bool blocked_ = false;
};

}  // namespace gabion::worker
