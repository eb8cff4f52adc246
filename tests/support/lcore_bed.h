// SPDX-License-Identifier: Apache-2.0
// An lcore between the two cables, on tables of its own, in inline mode. Time is what a test says, in ticks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "bpf/abi/cpu.h"
#include "bpf/abi/port.h"
#include "bpf/abi/queue.h"
#include "bpf/abi/settings.h"
#include "dataplane/core/host_pipeline.h"
#include "dataplane/counter/totals.h"
#include "dataplane/detect/observer.h"
#include "dataplane/dpdk/lcore.h"
#include "tests/support/cables.h"

namespace gabion::test {

class LcoreBed {
public:
    // Throws std::runtime_error.
    explicit LcoreBed(const HostTableSizes& sizes = {});
    ~LcoreBed() { cables.empty(); }
    LcoreBed(const LcoreBed&) = delete;
    LcoreBed& operator=(const LcoreBed&) = delete;

    // A burst of each port at that tick. False when there was none. Where the tick lies before the last one, it is a new lcore that
    // goes on with what the other one left.
    bool round(std::uint32_t now);

    // A HostPipeline's and GABION_FEATURE_INLINE, where a test asks for no others before the first round.
    [[nodiscard]] gabion_settings& settings() noexcept { return stages_.settings(); }
    [[nodiscard]] gabion_egress_settings& inside_settings() noexcept { return stages_.inside_settings(); }

    // What the lcore runs, on `tables`.
    [[nodiscard]] const HostStages& stages() const noexcept { return stages_; }

    // Whether all is accounted for that became of the frames so far.
    [[nodiscard]] counter::Identity identity();

    Cables& cables = Cables::get();
    HostPipeline tables;
    gabion_cpu inside_cpu{};
    gabion_worker_counters counters{};
    gabion_port ports[GABION_SIDES]{};
    detect::Observer observer{detect::HashKey{}};
    // Longest frames that leave by the ports; before the first round.
    std::uint32_t outside_bytes_max = cables.outside.port->frame_bytes_max();
    std::uint32_t inside_bytes_max = cables.inside.port->frame_bytes_max();
    // The credit is what the tables say, and not what an lcore gives itself when it begins; before the first round.
    bool credit_of_tables = false;

private:
    void start(std::uint32_t now);

    HostStages stages_;
    std::optional<dpdk::Ticks> ticks_;
    std::unique_ptr<dpdk::Lcore> lcore_;
    std::uint64_t anchor_ns_ = 0;  // a moment of the tick `anchor_`
    std::uint32_t anchor_ = 0;
    std::uint32_t last_ = 0;
};

}  // namespace gabion::test
