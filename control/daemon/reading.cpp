// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/reading.h"

namespace gabion::daemon {
namespace {

void put(Traffic& packets, Traffic& bytes, const counter::Totals& totals) {
    const auto both = [&](std::uint64_t Traffic::*member, const gabion_count& count) {
        packets.*member = count.packets;
        bytes.*member = count.bytes;
    };
    both(&Traffic::received, totals.received);
    both(&Traffic::passed, totals.passed);
    both(&Traffic::forwarded, totals.forwarded);
    both(&Traffic::answered, totals.answered);
    both(&Traffic::handed_over, totals.handed_over);
    both(&Traffic::dropped, totals.dropped);
}

NamedCounts by_action(const counter::Totals& totals, gabion_action action) {
    NamedCounts counts;
    for (std::size_t i = 0; i < counter::reasons().size(); ++i) {
        const counter::ReasonInfo& reason = counter::reasons()[i];
        if (reason.action == action) counts.emplace_back(reason.name, totals.reason[i].packets);
    }
    return counts;
}

NamedCounts would_drop(const counter::Totals& totals) {
    NamedCounts counts;
    for (std::size_t i = 0; i < counter::reasons().size(); ++i) {
        if (totals.would_drop[i].packets != 0)
            counts.emplace_back(counter::reasons()[i].name, totals.would_drop[i].packets);
    }
    return counts;
}

NamedCounts drops_of(const gabion_worker_counters& workers) {
    NamedCounts counts;
    for (std::size_t i = 0; i < counter::reasons().size(); ++i)
        if (workers.drops[i] != 0) counts.emplace_back(counter::reasons()[i].name, workers.drops[i]);
    return counts;
}

}  // namespace

Reading& Reading::operator+=(const Reading& other) noexcept {
    totals += other.totals;
    const gabion_worker_counters both[] = {workers, other.workers};
    workers = counter::sum(both);
    in_flight += other.in_flight;
    sockets.rx_dropped += other.sockets.rx_dropped;
    sockets.rx_ring_full += other.sockets.rx_ring_full;
    sockets.fill_ring_empty += other.sockets.fill_ring_empty;
    sockets.tx_invalid += other.sockets.tx_invalid;
    port.full += other.port.full;
    port.down += other.port.down;
    port.too_long += other.port.too_long;
    port.refused += other.port.refused;
    if (other.driver) driver = driver.value_or(counter::DriverDiscards{}) + *other.driver;
    return *this;
}

Counters counters_of(const Reading& reading) {
    Counters counters;
    put(counters.packets, counters.bytes, reading.totals);
    counters.drops = by_action(reading.totals, GABION_ACTION_DROP);
    counters.passes = by_action(reading.totals, GABION_ACTION_PASS);
    for (auto& [name, count] : by_action(reading.totals, GABION_ACTION_FORWARD))
        if (count > 0) counters.passes.emplace_back(name, count);
    counters.would_drop = would_drop(reading.totals);
    counters.workers = {.received = reading.workers.received,
                        .handed_back = reading.totals.handed_back.packets,
                        .dropped = reading.workers.dropped,
                        .in_flight = reading.in_flight,
                        .tx_failed = reading.workers.tx_failed,
                        .lost = reading.workers.lost,
                        .late = reading.workers.late,
                        .drops = drops_of(reading.workers)};
    const counter::Identity identity = counter::identity(reading.totals, reading.workers, reading.in_flight);
    counters.identity_holds = identity.holds();
    counters.identity_off_by = identity.stage_off_by != 0 ? identity.stage_off_by : identity.handover_off_by;
    counters.nic = {{"xsk_rx_dropped", reading.sockets.rx_dropped},
                    {"xsk_rx_ring_full", reading.sockets.rx_ring_full},
                    {"xsk_fill_ring_empty", reading.sockets.fill_ring_empty},
                    {"xsk_tx_invalid", reading.sockets.tx_invalid},
                    {"private_pair_foreign", reading.totals.foreign.packets},
                    {"not_forwarded_full", reading.port.full},
                    {"not_forwarded_down", reading.port.down},
                    {"not_forwarded_too_long", reading.port.too_long},
                    {"not_forwarded_refused", reading.port.refused}};
    if (reading.driver)
        for (const auto& [name, count] : {std::pair{"driver_missed", reading.driver->missed},
                                          std::pair{"driver_rx_errors", reading.driver->rx_errors},
                                          std::pair{"driver_no_buffer", reading.driver->no_buffer},
                                          std::pair{"driver_tx_errors", reading.driver->tx_errors}})
            counters.nic.emplace_back(name, count);
    return counters;
}

CpuCounters cpu_counters(unsigned cpu, const counter::Totals& totals) {
    CpuCounters counters;
    counters.cpu = cpu;
    put(counters.packets, counters.bytes, totals);
    counters.drops = by_action(totals, GABION_ACTION_DROP);
    return counters;
}

}  // namespace gabion::daemon
