// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/pipe.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace gabion::worker {

namespace {

// The kernel sends 32 frames a call: enough calls for a full transmit ring, and a few that fail.
constexpr int kicks_max = 16;

}  // namespace

Result<Pipe> Pipe::open(const PipeConfig& config) {
    auto umem = xsk::Umem::create(xsk::chunk_bytes_for(config.mtu), chunks_for(config.credit));
    if (!umem) return umem.error();
    auto shared = std::make_shared<xsk::Umem>(std::move(*umem));
    auto tx = xsk::Socket::transmit(config.way_out, config.out_queue, shared, transmit_entries, config.mark);
    if (!tx) return tx.error();
    const std::uint32_t posted = posted_for(config.credit);
    auto rx = xsk::Socket::receive(config.interface, config.queue, shared, ring_entries_for(config.credit), posted);
    if (!rx) return rx.error();
    Pipe pipe(std::move(*rx), std::move(*tx), posted);
    if (pipe.rx_.zero_copy()) {
        for (; pipe.posted_ < chunks_for(config.credit); ++pipe.posted_)
            pipe.refill(shared->address_of(pipe.posted_));
        pipe.release(0);
    }
    return pipe;
}

std::uint32_t Pipe::reclaim() noexcept {
    if (outstanding_ == 0) return 0;
    std::uint32_t first = 0;
    auto& completion = tx_.completion();
    const std::uint32_t count = completion.peek(outstanding_, first);
    if (count == 0) return 0;
    for (std::uint32_t i = 0; i < count; ++i)
        refill(completion.at(first + i));
    completion.release(count);
    outstanding_ -= count;
    rx_.fill().submit(std::exchange(pending_fill_, 0));
    return count;
}

std::uint32_t Pipe::take(std::uint32_t most, std::uint32_t& first) noexcept {
    const std::uint32_t room = std::min(most, outstanding_max - outstanding_);
    return room == 0 ? 0 : rx_.rx().peek(room, first);
}

void Pipe::pass_on(const xdp_desc& frame) noexcept {
    std::uint32_t slot = 0;
    // Never full: it has room for outstanding_max and as many again.
    if (!tx_.tx().reserve(1, slot)) return;
    tx_.tx().slot(slot) = {frame.addr, frame.len, 0};
    ++pending_tx_;
    ++outstanding_;
}

void Pipe::refill(std::uint64_t address) noexcept {
    std::uint32_t slot = 0;
    // Never full: it has room for all chunks.
    if (!rx_.fill().reserve(1, slot)) return;
    rx_.fill().slot(slot) = address & ~std::uint64_t{umem().chunk_bytes() - 1};
    ++pending_fill_;
}

void Pipe::release(std::uint32_t count) noexcept {
    if (count > 0) rx_.rx().release(count);
    if (pending_tx_ > 0) tx_.tx().submit(std::exchange(pending_tx_, 0));
    if (pending_fill_ > 0) rx_.fill().submit(std::exchange(pending_fill_, 0));
}

std::uint32_t Pipe::kick() noexcept {
    std::uint32_t failed = 0;
    blocked_ = false;
    for (int i = 0; i < kicks_max && tx_.tx().waiting() > 0; ++i) {
        if (::sendto(tx_.fd(), nullptr, 0, MSG_DONTWAIT, nullptr, 0) >= 0) continue;
        if (errno == EBUSY) {
            ++failed;  // one packet was dropped by the device; its frame comes back as completed
        } else if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR) {
            blocked_ = true;
            break;
        } else if (errno == ENOBUFS) {
            break;  // the completion ring must be emptied first
        }
    }
    return failed;
}

void Pipe::wake_driver() noexcept {
    if (rx_.fill().needs_wakeup()) ::recvfrom(rx_.fd(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
}

}  // namespace gabion::worker
