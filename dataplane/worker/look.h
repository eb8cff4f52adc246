// SPDX-License-Identifier: Apache-2.0
// What a worker does with one frame between taking it and giving it back: reads the sample and the packet, completes a checksum
// that the sender left open, lets the detectors look.
#pragma once

#include <cstdint>
#include <span>

#include "bpf/abi/queue.h"
#include "dataplane/worker/checksum.h"
#include "dataplane/worker/frame.h"
#include "dataplane/worker/observer.h"

namespace gabion::worker {

inline constexpr std::uint64_t kStaleNs = std::uint64_t{GABION_STALE_MS} * 1'000'000u;

// Fetches what look() will read: the line that ends with the sample and the one with the headers. The frame was written by another
// CPU; asked for a batch ahead, the lines come side by side instead of one after the other.
inline void look_ahead(const std::uint8_t* frame) noexcept {
    __builtin_prefetch(frame - sizeof(gabion_sample));
    __builtin_prefetch(frame);
}

// `frame` has its sample in front of it. `now_ns` is read once a batch.
template <Observer Observing>
void look(std::span<std::uint8_t> frame, std::uint64_t now_ns, Observing& observer, gabion_worker_counters& counters) noexcept {
    const gabion_sample sample = sample_before(frame);
    gabion_packet packet;
    const bool judged = read_packet(frame, packet);
    if (complete_checksum(frame, packet)) ++counters.checksums_completed;
    if (now_ns > sample.time_ns && now_ns - sample.time_ns > kStaleNs)
        ++counters.late;
    else if (judged)
        observer.observe(packet, sample);
}

}  // namespace gabion::worker
