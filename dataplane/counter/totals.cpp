// SPDX-License-Identifier: Apache-2.0
#include "dataplane/counter/totals.h"

#include <algorithm>
#include <cstdlib>

namespace gabion::counter {

namespace {

std::uint64_t load(const __u64& word) noexcept { return __atomic_load_n(&word, __ATOMIC_RELAXED); }

gabion_count load(const gabion_count& count) noexcept { return {load(count.packets), load(count.bytes)}; }

void add(gabion_count& sum, const gabion_count& count) noexcept {
    sum.packets += count.packets;
    sum.bytes += count.bytes;
}

gabion_count* place_of(Totals& totals, gabion_action action, Mode mode) noexcept {
    switch (action) {
        case GABION_ACTION_PASS:
            return mode == Mode::inline_port ? &totals.forwarded : &totals.passed;
        case GABION_ACTION_DROP:
            return &totals.dropped;
        case GABION_ACTION_HAND_OVER:
            return &totals.handed_over;
        case GABION_ACTION_FORWARD:
            return &totals.forwarded;
        case GABION_ACTION_ANSWER:
            return &totals.answered;
        case GABION_ACTION_NONE:
            break;
    }
    return nullptr;
}

}  // namespace

const std::array<ReasonInfo, GABION_REASON_COUNT>& reasons() noexcept {
#define X(id, name, action, help) ReasonInfo{name, GABION_ACTION_##action, help},
    static constexpr std::array<ReasonInfo, GABION_REASON_COUNT> list{{GABION_REASONS(X)}};
#undef X
    return list;
}

Totals& Totals::operator+=(const Totals& other) noexcept {
    add(received, other.received);
    add(passed, other.passed);
    add(forwarded, other.forwarded);
    add(answered, other.answered);
    add(handed_over, other.handed_over);
    add(dropped, other.dropped);
    add(handed_back, other.handed_back);
    add(foreign, other.foreign);
    for (std::size_t i = 0; i < reason.size(); ++i) {
        add(reason[i], other.reason[i]);
        add(would_drop[i], other.would_drop[i]);
    }
    breaker_met += other.breaker_met;
    breaker_trips += other.breaker_trips;
    return *this;
}

Totals of_cpu(const gabion_cpu& cpu, Mode mode) noexcept {
    Totals totals;
    // Outcomes before arrivals: a packet counted in between is then seen as received only, never the other way round.
    for (std::size_t i = 0; i < GABION_REASON_COUNT; ++i) {
        totals.reason[i] = load(cpu.reason[i]);
        totals.would_drop[i] = load(cpu.would_drop[i]);
        if (auto* place = place_of(totals, reasons()[i].action, mode)) add(*place, totals.reason[i]);
    }
    totals.handed_back = load(cpu.handed_back);
    totals.foreign = load(cpu.foreign);
    totals.breaker_met = load(cpu.breaker.met);
    totals.breaker_trips = __atomic_load_n(&cpu.breaker.trips, __ATOMIC_RELAXED);
    totals.received = load(cpu.received);
    return totals;
}

Totals sum(std::span<const gabion_cpu> cpus, Mode mode) noexcept {
    Totals totals;
    for (const auto& cpu : cpus)
        totals += of_cpu(cpu, mode);
    return totals;
}

gabion_worker_counters sum(std::span<const gabion_worker_counters> workers) noexcept {
    gabion_worker_counters total{};
    for (const auto& worker : workers) {
        total.received += load(worker.received);
        total.sent += load(worker.sent);
        total.completed += load(worker.completed);
        total.dropped += load(worker.dropped);
        total.tx_failed += load(worker.tx_failed);
        total.late += load(worker.late);
        total.lost += load(worker.lost);
        total.checksums_completed += load(worker.checksums_completed);
        for (std::size_t i = 0; i < GABION_REASON_COUNT; ++i)
            total.drops[i] += load(worker.drops[i]);
    }
    return total;
}

DriverDiscards operator+(const DriverDiscards& one, const DriverDiscards& other) noexcept {
    return {one.missed + other.missed, one.rx_errors + other.rx_errors, one.no_buffer + other.no_buffer,
            one.tx_errors + other.tx_errors};
}

std::uint64_t transmitted(const gabion_worker_counters& workers) noexcept {
    return workers.completed - std::min<std::uint64_t>(workers.tx_failed, workers.completed);
}

std::uint64_t in_flight(std::span<const gabion_queue> queues) noexcept {
    std::uint64_t total = 0;
    for (const auto& queue : queues) {
        const std::uint64_t released = load(queue.released);
        const std::uint64_t claimed = load(queue.claimed);
        if (claimed > released) total += claimed - released;
    }
    return total;
}

std::uint64_t Identity::off_by() const noexcept {
    return static_cast<std::uint64_t>(std::max(std::abs(stage_off_by), std::abs(handover_off_by)));
}

Identity identity(const Totals& totals, const gabion_worker_counters& workers, std::uint64_t in_flight) noexcept {
    const std::uint64_t left = totals.passed.packets + totals.forwarded.packets + totals.answered.packets +
                               totals.handed_over.packets + totals.dropped.packets;
    const std::uint64_t arrived = totals.handed_back.packets + workers.dropped + workers.lost + in_flight;
    return {static_cast<std::int64_t>(totals.received.packets - left),
            static_cast<std::int64_t>(totals.handed_over.packets - arrived)};
}

}  // namespace gabion::counter
