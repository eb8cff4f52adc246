// SPDX-License-Identifier: Apache-2.0
// What an interface counted, summed over CPUs, queues and workers, and the accounting identity over it. Pure: takes mapped arrays,
// reads each word whole, changes nothing. Counts are of packets; `bytes` beside them where the kernel side keeps them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "bpf/abi/cpu.h"
#include "bpf/abi/queue.h"
#include "bpf/abi/reason.h"

namespace gabion::counter {

struct ReasonInfo {
    std::string_view name;
    gabion_action action = GABION_ACTION_NONE;
    std::string_view help;
};

// The list of bpf/abi/reason.h, by number.
const std::array<ReasonInfo, GABION_REASON_COUNT>& reasons() noexcept;

struct Totals {
    gabion_count received{};
    gabion_count passed{};
    gabion_count forwarded{};
    gabion_count answered{};
    gabion_count handed_over{};
    gabion_count dropped{};
    gabion_count handed_back{};
    gabion_count foreign{};
    std::array<gabion_count, GABION_REASON_SLOTS> reason{};
    std::array<gabion_count, GABION_REASON_SLOTS> would_drop{};
    std::uint64_t breaker_met = 0;
    std::uint64_t breaker_trips = 0;

    Totals& operator+=(const Totals& other) noexcept;
};

// What goes on from an interface passes to the stack, or is forwarded to the other port of an inline pair.
enum class Mode { host, inline_port };

Totals of_cpu(const gabion_cpu& cpu, Mode mode = Mode::host) noexcept;
Totals sum(std::span<const gabion_cpu> cpus, Mode mode = Mode::host) noexcept;

gabion_worker_counters sum(std::span<const gabion_worker_counters> workers) noexcept;

// What the driver of a polled port says it could not deliver or send, packets since it was opened. Beside the identity.
struct DriverDiscards {
    std::uint64_t missed = 0;     // no room in the receive ring
    std::uint64_t rx_errors = 0;  // broken on arrival
    std::uint64_t no_buffer = 0;  // no memory for them
    std::uint64_t tx_errors = 0;  // taken by the driver, and not sent
};
DriverDiscards operator+(const DriverDiscards& one, const DriverDiscards& other) noexcept;

// Inline mode: nothing comes back to be counted. What the other port's driver has done with, and did not report as failed, is handed back.
std::uint64_t transmitted(const gabion_worker_counters& workers) noexcept;

// Packets claimed and not yet released: in the rings, in a worker's hands, or on the private pair.
std::uint64_t in_flight(std::span<const gabion_queue> queues) noexcept;

// received    = passed + forwarded + answered + handed_over + dropped
// handed_over = handed_back + workers' dropped + in flight + lost
// Exact when traffic rests; else off by what is between two reads.
struct Identity {
    std::int64_t stage_off_by = 0;  // left side minus right side
    std::int64_t handover_off_by = 0;
    [[nodiscard]] bool holds() const noexcept { return stage_off_by == 0 && handover_off_by == 0; }
    // The larger of the two, without its sign.
    [[nodiscard]] std::uint64_t off_by() const noexcept;
};

Identity identity(const Totals& totals, const gabion_worker_counters& workers, std::uint64_t in_flight) noexcept;

}  // namespace gabion::counter
