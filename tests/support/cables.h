// SPDX-License-Identifier: Apache-2.0
// DPDK's environment with two ports made of rings in memory: what is put into one end of a cable is what its port receives, and what a port
// sends comes out there. A process starts it once, needs no huge pages for it, and has no second chance.
#pragma once

#include <optional>
#include <string>

#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/port.h"
#include "tests/support/packet.h"

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;

namespace gabion::test {

inline constexpr unsigned ring_packets = 128;
inline constexpr unsigned buffer_bytes = 4096;  // the longest frame that put() takes

// One port, seen from the other end of its cable.
struct Cable {
    explicit Cable(const std::string& name);

    [[nodiscard]] bool put(rte_mbuf* frame) const;
    [[nodiscard]] rte_mbuf* take() const;  // null: nothing was sent

    rte_ring* in = nullptr;   // towards the port
    rte_ring* out = nullptr;  // what it sent
    std::optional<dpdk::Port> port;
};

class Cables {
public:
    // Throws std::runtime_error.
    static Cables& get();

    // A frame into a buffer of its own, and the other way round.
    void put(const Cable& cable, const Bytes& frame) const;
    [[nodiscard]] static std::optional<Bytes> take(const Cable& cable);
    // Frees what stands in all rings.
    void empty() const;

    const dpdk::Eal eal;  // outlives the ports
    rte_mempool* const buffers;
    const Cable outside{"outside"};
    const Cable inside{"inside"};

private:
    explicit Cables(dpdk::Eal started);
};

}  // namespace gabion::test
