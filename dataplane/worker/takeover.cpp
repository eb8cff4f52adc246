// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/takeover.h"

#include <algorithm>
#include <ctime>

#include "dataplane/worker/credit.h"

namespace gabion::worker {

namespace {

constexpr int quiet_rounds = 10;
constexpr int rounds_max = 100;
constexpr timespec round_pause{0, 1'000'000};

void wait_for_quiet(std::span<const gabion_cpu> cpus) noexcept {
    std::uint64_t seen = counter::sum(cpus).handed_back.packets;
    for (int round = 0, quiet = 0; round < rounds_max && quiet < quiet_rounds; ++round) {
        ::nanosleep(&round_pause, nullptr);
        const std::uint64_t now = counter::sum(cpus).handed_back.packets;
        quiet = now == seen ? quiet + 1 : 0;
        seen = now;
    }
}

}  // namespace

std::uint64_t missing(const SharedState& state) noexcept {
    const auto totals = counter::sum(state.cpus);
    const auto workers = counter::sum(state.workers);
    const std::uint64_t back =
        state.mode == counter::Mode::host ? totals.handed_back.packets : counter::transmitted(workers);
    const std::uint64_t accounted = back + workers.dropped + workers.lost;
    return totals.handed_over.packets > accounted ? totals.handed_over.packets - accounted : 0;
}

std::uint64_t take_over(const SharedState& state) noexcept {
    for (auto& queue : state.queues)
        Credit(queue).close();
    wait_for_quiet(state.cpus);
    const std::uint64_t lost = missing(state);
    if (lost > 0 && !state.workers.empty()) {
        auto& counted = state.workers.front().lost;
        __atomic_store_n(&counted, counted + lost, __ATOMIC_RELAXED);
    }
    for (auto& queue : state.queues) {
        Credit credit(queue);
        credit.release(credit.outstanding());
    }
    return lost;
}

}  // namespace gabion::worker
