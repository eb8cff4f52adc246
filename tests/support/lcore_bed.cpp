// SPDX-License-Identifier: Apache-2.0
#include "tests/support/lcore_bed.h"

#include <stdexcept>

#include "bpf/abi/control.h"

namespace gabion::test {
namespace {

// A new lcore begins that far in the past, so that every time which a test names later is news to it.
constexpr std::uint32_t before_ticks = 1u << 20;

HostStages stages_on(HostPipeline& tables) {
    auto stages = HostStages::on([&](const char* name) { return static_cast<void*>(tables.memory(name).data()); });
    if (!stages) throw std::runtime_error(stages.error().text);
    return std::move(*stages);
}

}  // namespace

LcoreBed::LcoreBed(const HostTableSizes& sizes) : tables(sizes), stages_(stages_on(tables)) {
    settings() = tables.settings();
    settings().features |= GABION_FEATURE_INLINE;
    inside_settings() = {.flow_mask = settings().flow_mask,
                         .proven_mask = settings().proven_mask,
                         .ephemeral_low = 32768,
                         .ephemeral_high = 65535,
                         .features = settings().features};
}

bool LcoreBed::round(std::uint32_t now) {
    if (!lcore_ || static_cast<std::int32_t>(now - last_) < 0) start(now);
    last_ = now;
    const auto ahead_ticks = static_cast<std::int32_t>(now - anchor_);
    const auto tick_ns = static_cast<std::int64_t>(1'000'000'000u / settings().hz);
    return lcore_->round(anchor_ns_ + static_cast<std::uint64_t>(ahead_ticks * tick_ns));
}

void LcoreBed::start(std::uint32_t now) {
    const TickSample begin = {.jiffies = (std::uint64_t{1} << 32) + now - before_ticks, .boot_ns = boot_now_ns()};
    ticks_.emplace(TickClock(settings().hz, begin));
    anchor_ns_ = monotonic_now_ns();
    anchor_ = ticks_->at(anchor_ns_);
    gabion_queue& credit = tables.values<gabion_queue>("queues")[0];
    const gabion_queue kept = credit;
    lcore_ = std::make_unique<dpdk::Lcore>(dpdk::LcoreConfig{.outside = cables.outside.port->id(),
                                                             .inside = cables.inside.port->id(),
                                                             .queue = 0,
                                                             .outside_bytes_max = outside_bytes_max,
                                                             .inside_bytes_max = inside_bytes_max,
                                                             .stages = &stages_,
                                                             .ticks = &*ticks_,
                                                             .cpu = &tables.cpu(),
                                                             .inside_cpu = &inside_cpu,
                                                             .credit = &credit,
                                                             .counters = &counters,
                                                             .ports = ports},
                                           observer);
    if (credit_of_tables) credit = kept;
}

counter::Identity LcoreBed::identity() {
    auto counted = counter::of_cpu(tables.cpu(), counter::Mode::inline_port);
    counted.handed_back.packets = counter::transmitted(counters);
    return counter::identity(counted, counters, counter::in_flight(tables.values<gabion_queue>("queues")));
}

}  // namespace gabion::test
