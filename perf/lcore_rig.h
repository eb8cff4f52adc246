// SPDX-License-Identifier: Apache-2.0
// An lcore between two ports made of rings in memory, with a feeder at the outside port, to be measured: no card, no system call, one core.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bpf/abi/cpu.h"
#include "bpf/abi/port.h"
#include "dataplane/core/host_pipeline.h"
#include "dataplane/core/host_stages.h"
#include "dataplane/detect/observer.h"
#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/lcore.h"
#include "dataplane/dpdk/port.h"
#include "dataplane/dpdk/ticks.h"
#include "dataplane/worker/counters.h"

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;

namespace gabion::perf {

// Frames of one kind, whose source is the next one of a list each time.
struct Flood {
    std::vector<std::byte> frame;
    std::vector<std::uint32_t> sources;  // IPv4, as they stand in a packet
};

// The ports and what stands in their rings. One in a process.
class RingPorts {
public:
    RingPorts();  // throws std::runtime_error

    // A burst of new frames for the outside port to receive; what the inside port sent is let go.
    void feed(const Flood& flood);
    void drain();

    [[nodiscard]] const dpdk::Port& outside() const noexcept { return *outside_; }
    [[nodiscard]] const dpdk::Port& inside() const noexcept { return *inside_; }

private:
    dpdk::Eal eal_;
    rte_mempool* buffers_;
    rte_ring *outside_in_, *outside_out_, *inside_in_, *inside_out_;
    std::optional<dpdk::Port> outside_, inside_;
    std::size_t turn_ = 0;
};

// The stages on tables of the host, as gabiond has them, and the lcore that runs them.
class Rig {
public:
    Rig(RingPorts& ports, std::span<const std::uint32_t> banned);  // throws std::runtime_error

    [[nodiscard]] dpdk::Lcore& lcore() noexcept { return *lcore_; }
    [[nodiscard]] const HostStages& stages() const noexcept { return *stages_; }
    [[nodiscard]] gabion_cpu& cpu() noexcept { return tables_.cpu(); }
    [[nodiscard]] std::uint32_t now() const noexcept { return ticks_.at(monotonic_now_ns()); }

private:
    void settle();
    void ban(std::span<const std::uint32_t> banned);

    HostPipeline tables_;
    std::optional<HostStages> stages_;
    dpdk::Ticks ticks_;
    gabion_cpu inside_cpu_{};
    gabion_worker_counters counters_{};
    gabion_port counts_[GABION_SIDES]{};
    detect::Observer observer_{detect::HashKey{}};
    std::optional<dpdk::Lcore> lcore_;
};

}  // namespace gabion::perf
