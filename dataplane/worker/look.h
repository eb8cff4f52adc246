// SPDX-License-Identifier: Apache-2.0
// What a worker does for the detectors with one frame between taking it and giving it back.
#pragma once

#include <cstdint>
#include <span>

#include "bpf/abi/queue.h"
#include "dataplane/worker/frame.h"
#include "dataplane/worker/observer.h"
#include "dataplane/worker/thinning.h"

namespace gabion::worker {

inline constexpr std::uint64_t stale_ns = std::uint64_t{GABION_STALE_MS} * 1'000'000u;

// Fetches what look() will read: the line that ends with the sample and the one with the headers. The frame was written by another
// CPU; asked for a batch ahead, the lines come side by side instead of one after the other.
inline void look_ahead(const std::uint8_t* frame) noexcept {
    __builtin_prefetch(frame - sizeof(gabion_sample));
    __builtin_prefetch(frame);
}

// Lets the detectors see a frame when it is its turn. `frame` has its sample in front of it; `now_ns` is read once a batch. True
// when `packet` was filled.
template <Observer Observing>
bool look(std::span<const std::uint8_t> frame, std::uint64_t now_ns, Thinning& thinning, Observing& observer,
          gabion_worker_counters& counters, gabion_packet& packet) noexcept {
    gabion_sample sample = sample_before(frame);
    if (now_ns > sample.time_ns && now_ns - sample.time_ns > stale_ns) {
        ++counters.late;
        return false;
    }
    if (!thinning.take()) return false;
    sample.one_in *= thinning.one_in();
    if (read_packet(frame, packet)) observer.observe(packet, sample);
    return true;
}

}  // namespace gabion::worker
