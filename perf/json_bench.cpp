// SPDX-License-Identifier: Apache-2.0
// What an answer of the control socket costs in JSON, by how much it holds: status by interfaces, counters by CPUs, a page of bans.
// From plain values to the line that goes out.
#include <string>

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

#include "control/daemon/json.h"

namespace gabion::daemon {
namespace {

Status status_of(std::int64_t interfaces) {
    Status status;
    status.version = "0.1.0";
    status.kernel = "6.1.0";
    for (std::int64_t i = 0; i < interfaces; i++) {
        InterfaceStatus interface;
        interface.name = "eth" + std::to_string(i);
        for (unsigned queue = 0; queue < 8; queue++)
            interface.workers.push_back(
                {.queue = queue, .cpu = queue, .alive = true, .late = false, .in_flight = queue});
        status.interfaces.push_back(std::move(interface));
    }
    status.features = {{"breaker", true}, {"allow", true}, {"bans", true}, {"inline_mode", false}};
    status.feature_notes = {{"inline_mode", "not built yet"}};
    return status;
}

void status(benchmark::State& state) {
    Status told = status_of(state.range(0));
    std::size_t bytes = 0;
    for (auto _ : state) {
        told.bans++;
        bytes += to_json(told).dump().size();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(status)->Arg(1)->Arg(16);

void counters(benchmark::State& state) {
    CountersReport report;
    for (unsigned cpu = 0; cpu < state.range(0); cpu++)
        report.cpus.push_back({.cpu = cpu, .packets = {}, .bytes = {}, .drops = {{"ban-operator", 7}, {"breaker", 9}}});
    report.total.drops = {{"ban-operator", 7}, {"breaker", 9}};
    report.interfaces.push_back({"eth0", report.total, report.cpus});
    std::size_t bytes = 0;
    for (auto _ : state) {
        report.total.packets.received += 1'000'003;
        bytes += to_json(report).dump().size();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(counters)->Arg(0)->Arg(2)->Arg(64);

void page_of_bans(benchmark::State& state) {
    Page<BanEntry> page;
    for (std::uint32_t i = 0; i < state.range(0); i++) {
        BanEntry entry{};
        for (unsigned byte = 0; byte < 4; byte++)
            entry.target.bytes[byte] = static_cast<std::uint8_t>(i * 2654435761u >> (8 * byte));
        entry.tier = entry.reason = "operator";
        page.entries.push_back(std::move(entry));
    }
    std::size_t bytes = 0;
    for (auto _ : state) {
        page.entries.front().hits++;
        bytes += to_json(page).dump().size();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(page_of_bans)->Arg(10)->Arg(1000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace gabion::daemon

BENCHMARK_MAIN();
