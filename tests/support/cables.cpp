// SPDX-License-Identifier: Apache-2.0
#include "tests/support/cables.h"

#include <rte_eth_ring.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstring>
#include <stdexcept>
#include <utility>

namespace gabion::test {
namespace {

constexpr unsigned buffers_count = 1023;

dpdk::Eal start() {
    auto eal = dpdk::Eal::start({.devices = {}, .memory_mib = 64, .huge_pages = false});
    if (!eal) throw std::runtime_error(eal.error().text);
    return std::move(*eal);
}

}  // namespace

Cable::Cable(const std::string& name) {
    for (auto [ring, way] : {std::pair{&in, "in"}, std::pair{&out, "out"}})
        *ring = rte_ring_create((name + way).c_str(), ring_packets, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    rte_eth_from_rings(name.c_str(), &in, 1, &out, 1, 0);
    auto opened = dpdk::Port::open("net_ring_" + name, 1);
    if (!opened) throw std::runtime_error(opened.error().text);
    port.emplace(std::move(*opened));
    if (auto started = port->start(); !started) throw std::runtime_error(started.error().text);
}

bool Cable::put(rte_mbuf* frame) const { return rte_ring_enqueue(in, frame) == 0; }

rte_mbuf* Cable::take() const {
    void* taken = nullptr;
    return rte_ring_dequeue(out, &taken) == 0 ? static_cast<rte_mbuf*>(taken) : nullptr;
}

Cables& Cables::get() {
    static Cables one(start());
    return one;
}

Cables::Cables(dpdk::Eal started)
    : eal(std::move(started)),
      buffers(
          rte_pktmbuf_pool_create("tests", buffers_count, 0, 0, RTE_PKTMBUF_HEADROOM + buffer_bytes, SOCKET_ID_ANY)) {}

void Cables::put(const Cable& cable, const Bytes& frame) const {
    rte_mbuf* const buffer = rte_pktmbuf_alloc(buffers);
    if (buffer == nullptr) throw std::runtime_error("no buffer is left");
    char* const begin = rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(frame.size()));
    if (begin == nullptr || !cable.put(buffer)) throw std::runtime_error("no room for the frame");
    std::memcpy(begin, frame.data(), frame.size());
}

std::optional<Bytes> Cables::take(const Cable& cable) {
    rte_mbuf* const buffer = cable.take();
    if (buffer == nullptr) return std::nullopt;
    const auto* begin = static_cast<const std::byte*>(buffer->buf_addr) + buffer->data_off;
    Bytes frame(begin, begin + buffer->pkt_len);
    rte_pktmbuf_free(buffer);
    return frame;
}

void Cables::empty() const {
    for (rte_ring* ring : {outside.in, outside.out, inside.in, inside.out})
        for (void* taken = nullptr; rte_ring_dequeue(ring, &taken) == 0;)
            rte_pktmbuf_free(static_cast<rte_mbuf*>(taken));
}

}  // namespace gabion::test
