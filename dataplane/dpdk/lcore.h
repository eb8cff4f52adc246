// SPDX-License-Identifier: Apache-2.0
// What one core does with the packets of an inline pair: takes a burst from its queue of the outside port, runs the kernel's stages on
// each packet, shows the chosen ones to its detectors, and sends what is clean by the other port; takes a burst from the inside port,
// notes what it vouches for, and sends it outside. No system call but the drivers' own, one reading of the clock a round, no lock, no
// allocation. Nothing stays in its hands between two rounds, so that a packet is never older than the round that took it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "bpf/abi/cpu.h"
#include "bpf/abi/port.h"
#include "bpf/abi/queue.h"
#include "dataplane/core/host_stages.h"
#include "dataplane/detect/observer.h"
#include "dataplane/dpdk/outbox.h"
#include "dataplane/dpdk/ticks.h"
#include "dataplane/worker/counters.h"
#include "dataplane/worker/credit.h"

namespace gabion::dpdk {

// Rounds in a row that found nothing before the thread sleeps for the first time.
inline constexpr unsigned idle_rounds = 256;

// Started ports with a queue of this number each way; everything outlives the lcore, and what is mapped is this lcore's alone to write but
// for `ports`.
struct LcoreConfig {
    std::uint16_t outside = 0;
    std::uint16_t inside = 0;
    std::uint16_t queue = 0;
    std::uint32_t outside_bytes_max = 0;  // longest frames that leave there
    std::uint32_t inside_bytes_max = 0;
    const HostStages* stages = nullptr;
    const Ticks* ticks = nullptr;
    gabion_cpu* cpu = nullptr;         // what the outside port's packets are counted in
    gabion_cpu* inside_cpu = nullptr;  // and the inside port's
    gabion_queue* credit = nullptr;
    gabion_worker_counters* counters = nullptr;
    std::span<gabion_port> ports;  // by side
    std::uint32_t credit_packets = GABION_CREDIT_DEFAULT;
    std::uint32_t idle_us = 0;  // length of a sleep when nothing comes; 0: none
};

class Lcore {
public:
    Lcore(const LcoreConfig& config, detect::Observer& observer) noexcept;

    // Until stop() is called, from any thread.
    void run() noexcept;
    void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool alive() const noexcept { return alive_.load(std::memory_order_relaxed); }

    // A burst of each port. False when there was none. For run(), and for tests.
    bool round(std::uint64_t now_ns) noexcept;

private:
    bool judge_burst(std::uint64_t now_ns) noexcept;
    bool note_burst() noexcept;
    void look_ahead(std::span<rte_mbuf* const> frames) const noexcept;
    void judge(rte_mbuf* frame, std::uint64_t now_ns) noexcept;
    void see(rte_mbuf* frame, const HostVerdict& verdict, std::uint64_t now_ns) noexcept;
    void rest() noexcept;

    LcoreConfig config_;
    detect::Observer& observer_;
    worker::Credit credit_;
    worker::Counters counters_;
    Outbox to_inside_;
    Outbox to_outside_;
    std::array<rte_mbuf*, burst_packets> dropped_{};  // of this burst
    unsigned dropped_count_ = 0;
    std::uint32_t now_ticks_;
    std::uint32_t seen_ = 0;  // in this round: went on after the detectors had seen them
    unsigned idle_ = 0;
    std::atomic<bool> stop_{false};
    std::atomic<bool> alive_{false};
};

}  // namespace gabion::dpdk
