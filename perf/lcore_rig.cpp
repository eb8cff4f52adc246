// SPDX-License-Identifier: Apache-2.0
#include "perf/lcore_rig.h"

#include <rte_eth_ring.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstring>
#include <stdexcept>
#include <utility>

#include "bpf/abi/control.h"
#include "bpf/abi/queue.h"
#include "bpf/abi/settings.h"
#include "dataplane/ban/address_set.h"
#include "dataplane/ban/named_memory.h"

namespace gabion::perf {
namespace {

constexpr unsigned ring_packets = 256;
constexpr unsigned buffers_count = 4095;
constexpr std::size_t source_at = 26;  // of an untagged frame of IPv4
constexpr HostTableSizes sizes{.exact4 = 1u << 18, .bloom_words = 1u << 14, .flows = 1u << 14, .proven = 1u << 12};

dpdk::Eal started() {
    auto eal = dpdk::Eal::start({.devices = {}, .memory_mib = 64, .huge_pages = false});
    if (!eal) throw std::runtime_error(eal.error().text);
    return std::move(*eal);
}

rte_ring* ring(const char* name) {
    rte_ring* made = rte_ring_create(name, ring_packets, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    if (made == nullptr) throw std::runtime_error("no memory for a ring");
    return made;
}

dpdk::Port port(const std::string& name, rte_ring* in, rte_ring* out) {
    rte_eth_from_rings(name.c_str(), &in, 1, &out, 1, 0);
    auto opened = dpdk::Port::open("net_ring_" + name, 1);
    if (!opened) throw std::runtime_error(opened.error().text);
    if (auto begun = opened->start(); !begun) throw std::runtime_error(begun.error().text);
    return std::move(*opened);
}

TickClock clock_now() { return TickClock(250, {.jiffies = 1'000'000, .boot_ns = boot_now_ns()}); }

}  // namespace

RingPorts::RingPorts()
    : eal_(started()),
      buffers_(rte_pktmbuf_pool_create("frames", buffers_count, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY)),
      outside_in_(ring("outside_in")),
      outside_out_(ring("outside_out")),
      inside_in_(ring("inside_in")),
      inside_out_(ring("inside_out")),
      outside_(port("outside", outside_in_, outside_out_)),
      inside_(port("inside", inside_in_, inside_out_)) {
    if (buffers_ == nullptr) throw std::runtime_error("no memory for frames");
}

void RingPorts::feed(const Flood& flood) {
    rte_mbuf* frames[dpdk::burst_packets];
    if (rte_pktmbuf_alloc_bulk(buffers_, frames, dpdk::burst_packets) != 0) throw std::runtime_error("frames leaked");
    for (rte_mbuf* frame : frames) {
        auto* data = static_cast<std::byte*>(frame->buf_addr) + frame->data_off;
        std::memcpy(data, flood.frame.data(), flood.frame.size());
        std::memcpy(data + source_at, &flood.sources[turn_++ % flood.sources.size()], sizeof(std::uint32_t));
        frame->data_len = static_cast<std::uint16_t>(flood.frame.size());
        frame->pkt_len = frame->data_len;
    }
    if (rte_ring_enqueue_bulk(outside_in_, reinterpret_cast<void**>(frames), dpdk::burst_packets, nullptr) == 0)
        throw std::runtime_error("the outside port does not receive");
}

void RingPorts::drain() {
    rte_mbuf* frames[dpdk::burst_packets];
    while (const unsigned count =
               rte_ring_dequeue_burst(inside_out_, reinterpret_cast<void**>(frames), dpdk::burst_packets, nullptr))
        rte_pktmbuf_free_bulk(frames, count);
}

Rig::Rig(RingPorts& ports, std::span<const std::uint32_t> banned) : tables_(sizes), ticks_(clock_now()) {
    auto stages = HostStages::on([this](const char* name) { return static_cast<void*>(tables_.memory(name).data()); });
    if (!stages) throw std::runtime_error(stages.error().text);
    stages_.emplace(std::move(*stages));
    settle();
    ban(banned);
    lcore_.emplace(dpdk::LcoreConfig{.outside = ports.outside().id(),
                                     .inside = ports.inside().id(),
                                     .queue = 0,
                                     .outside_bytes_max = ports.outside().frame_bytes_max(),
                                     .inside_bytes_max = ports.inside().frame_bytes_max(),
                                     .stages = &*stages_,
                                     .ticks = &ticks_,
                                     .cpu = &tables_.cpu(),
                                     .inside_cpu = &inside_cpu_,
                                     .credit = tables_.values<gabion_queue>("queues").data(),
                                     .counters = &counters_,
                                     .ports = counts_},
                   observer_);
}

// Every stage, and 1 packet in 256 sampled, as a gabiond has it whom nobody told otherwise.
void Rig::settle() {
    gabion_settings& settings = stages_->settings();
    settings = tables_.settings();
    settings.features = GABION_FEATURES_ALL | GABION_FEATURE_INLINE;
    settings.checks = GABION_CHECKS_DEFAULT;
    stages_->inside_settings() = {.flow_mask = settings.flow_mask,
                                  .proven_mask = settings.proven_mask,
                                  .ephemeral_low = 32768,
                                  .ephemeral_high = 60999,
                                  .features = settings.features};
    tables_.control().flow_idle_ticks = 10'000;
    tables_.control().sampling = {.one_in = 256, .budget = 50, .period_ticks = 25, .reserved = 0};
    tables_.cpu().sampler.random = 1;
}

void Rig::ban(std::span<const std::uint32_t> banned) {
    ban::AddressSet bans(ban::set_memory(tables_, GABION_SET_OPERATOR), tables_.control().hash, {}, [] {});
    for (const std::uint32_t address : banned) {
        Prefix one;
        std::memcpy(one.bytes.data(), &address, sizeof address);
        const auto status = bans.add(one, GABION_FOREVER);
        if (status != ban::AddStatus::added) throw std::runtime_error("the ban table is too small for this");
    }
}

}  // namespace gabion::perf
