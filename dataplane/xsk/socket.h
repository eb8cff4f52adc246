// SPDX-License-Identifier: Apache-2.0
// An AF_XDP socket on one queue of one interface, over libxdp, with its rings. It receives or it transmits; a worker has one of each
// over the same memory. The socket keeps the memory alive. No program is loaded: Gabion's own puts packets into it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dataplane/core/result.h"
#include "dataplane/xsk/completion_ring.h"
#include "dataplane/xsk/fill_ring.h"
#include "dataplane/xsk/rx_ring.h"
#include "dataplane/xsk/tx_ring.h"
#include "dataplane/xsk/umem.h"

namespace gabion::xsk {

struct Statistics {
    std::uint64_t rx_dropped = 0;  // did not fit a chunk, or its descriptor was bad
    std::uint64_t rx_ring_full = 0;
    std::uint64_t fill_ring_empty = 0;
    std::uint64_t tx_invalid = 0;  // descriptors the kernel refused
};

class Socket {
public:
    // Posts the first `posted` chunks and receives with the driver's zero copy where it has it.
    static Result<Socket> receive(const std::string& interface, std::uint32_t queue, std::shared_ptr<Umem> umem,
                                  std::uint32_t ring_entries, std::uint32_t posted);
    // Transmits by copy. Packets carry `mark`, by which the other end of the private pair knows them.
    static Result<Socket> transmit(const std::string& interface, std::uint32_t queue, std::shared_ptr<Umem> umem,
                                   std::uint32_t ring_entries, std::uint32_t mark);

    Socket(Socket&&) noexcept;
    Socket& operator=(Socket&&) noexcept;
    ~Socket();

    [[nodiscard]] int fd() const noexcept;
    [[nodiscard]] bool zero_copy() const noexcept;
    [[nodiscard]] Statistics statistics() const noexcept;
    [[nodiscard]] const Umem& umem() const noexcept;

    // Receiving sockets use the first two, transmitting ones the last two.
    [[nodiscard]] RxRing& rx() noexcept;
    [[nodiscard]] FillRing& fill() noexcept;
    [[nodiscard]] TxRing& tx() noexcept;
    [[nodiscard]] CompletionRing& completion() noexcept;

    // Puts the socket into, and takes it out of, an XSKMAP under its queue's number.
    [[nodiscard]] Result<void> enter(int xskmap_fd) const;
    static void leave(int xskmap_fd, std::uint32_t queue) noexcept;

private:
    struct State;
    explicit Socket(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

}  // namespace gabion::xsk
