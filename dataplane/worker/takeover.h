// SPDX-License-Identifier: Apache-2.0
// What a killed worker left behind. Its sockets are gone from the map and what stood in their rings is lost; what it had transmitted
// still arrives. So the loss is what was handed over and never came back, counted once arrivals are quiet. Inline nothing comes back: what
// the other port had sent, but the worker did not live to hear of, is counted as lost too.
#pragma once

#include <cstdint>
#include <span>

#include "bpf/abi/cpu.h"
#include "bpf/abi/queue.h"
#include "dataplane/counter/totals.h"

namespace gabion::worker {

// The interface's maps, mapped. `workers` and `queues` are indexed by receive queue.
struct SharedState {
    std::span<const gabion_cpu> cpus;
    std::span<gabion_queue> queues;
    std::span<gabion_worker_counters> workers;
    counter::Mode mode = counter::Mode::host;
};

// Before any worker of the interface starts, with no socket in its map and before an old private pair is removed: stops claims, waits
// for quiet (10 ms without an arrival, 100 ms at most), counts the loss under the first queue and gives all credit back.
// Returns the packets lost.
std::uint64_t take_over(const SharedState& state) noexcept;

// The counting alone: what is missing now, given nothing is under way.
std::uint64_t missing(const SharedState& state) noexcept;

}  // namespace gabion::worker
