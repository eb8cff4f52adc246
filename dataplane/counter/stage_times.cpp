// SPDX-License-Identifier: Apache-2.0
#include "dataplane/counter/stage_times.h"

#include <algorithm>
#include <array>

namespace gabion::counter {
namespace {

struct StageInfo {
    std::string_view name;
    std::string_view what;
};

#define X(id, name, what) StageInfo{name, what},
constexpr std::array<StageInfo, GABION_STAGE_COUNT> stage_list{{GABION_STAGES(X)}};
#undef X

struct Sum {
    std::uint64_t packets = 0;
    std::uint64_t ns = 0;
    std::uint64_t most = 0;
    std::array<std::uint64_t, GABION_PROFILE_CELLS> cells{};
};

Sum sum_of(std::span<const gabion_profile> cpus, std::size_t stage) noexcept {
    Sum sum;
    for (const gabion_profile& cpu : cpus) {
        const gabion_stage_time& time = cpu.stage[stage];
        sum.packets += time.packets;
        sum.ns += time.ns;
        sum.most = std::max<std::uint64_t>(sum.most, time.most);
        for (std::size_t cell = 0; cell < sum.cells.size(); ++cell)
            sum.cells[cell] += time.cell[cell];
    }
    return sum;
}

double quantile(const Sum& sum, double share) noexcept {
    constexpr double width = GABION_PROFILE_CELL_NS;
    std::uint64_t all = 0;
    for (const std::uint64_t count : sum.cells)
        all += count;
    const double wanted = share * static_cast<double>(all);
    double before = 0;
    for (std::size_t cell = 0; cell + 1 < sum.cells.size(); ++cell) {
        const auto count = static_cast<double>(sum.cells[cell]);
        if (count > 0 && before + count >= wanted)
            return width * (static_cast<double>(cell) + (wanted - before) / count);
        before += count;
    }
    return all == 0 ? 0 : width * (GABION_PROFILE_CELLS - 1);
}

double mean(const Sum& sum) noexcept {
    return sum.packets == 0 ? 0 : static_cast<double>(sum.ns) / static_cast<double>(sum.packets);
}

}  // namespace

StageTimes stage_times(std::span<const gabion_profile> cpus) {
    StageTimes times;
    const Sum clock = sum_of(cpus, GABION_STAGE_CLOCK);
    times.packets = clock.packets;
    // Its median, for means too: an interrupt in the clock's own time must not make the stages look short.
    times.clock_ns = quantile(clock, 0.5);
    const auto net = [&](double ns) { return std::max(0.0, ns - times.clock_ns); };
    double all_ns = 0;
    for (std::size_t stage = GABION_STAGE_CLOCK + 1; stage < GABION_STAGE_COUNT; ++stage) {
        const Sum sum = sum_of(cpus, stage);
        if (sum.packets == 0) continue;
        const StageCost cost{.name = stage_list[stage].name,
                             .what = stage_list[stage].what,
                             .packets = sum.packets,
                             .mean_ns = net(mean(sum)),
                             .median_ns = net(quantile(sum, 0.5)),
                             .p99_ns = net(quantile(sum, 0.99)),
                             .most_ns = net(static_cast<double>(sum.most))};
        all_ns += cost.mean_ns * static_cast<double>(sum.packets);
        times.stages.push_back(cost);
    }
    if (times.packets > 0) times.packet_ns = all_ns / static_cast<double>(times.packets);
    return times;
}

}  // namespace gabion::counter
