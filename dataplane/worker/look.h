// SPDX-License-Identifier: Apache-2.0
// What a worker does for the detectors with a batch of frames between taking them and giving them back.
#pragma once

#include <cstdint>
#include <span>

#include "bpf/abi/queue.h"
#include "dataplane/core/fetch.h"
#include "dataplane/worker/frame.h"
#include "dataplane/worker/observer.h"

namespace gabion::worker {

inline constexpr std::uint64_t stale_ns = std::uint64_t{GABION_STALE_MS} * 1'000'000u;

// Fetches what is read of a frame: the line that ends with the sample and the one with the headers. The frame was written by another
// CPU; asked for a batch ahead, the lines come side by side instead of one after the other.
inline void look_ahead(const std::uint8_t* frame) noexcept {
    fetch(frame - sizeof(gabion_sample));
    fetch(frame);
}

// Too old to tell anything about the present: such a frame goes back unseen, counted as late. Frames come in the order in which they
// were taken: when the first of a batch is not late, none is.
inline bool is_late(const gabion_sample& sample, std::uint64_t now_ns) noexcept {
    return now_ns > sample.time_ns && now_ns - sample.time_ns > stale_ns;
}

// Lets the detectors see a packet that stands for `one_in` of those that the worker took.
template <Observer Observing>
void look(const gabion_packet& packet, gabion_sample sample, std::uint32_t one_in, Observing& observer) noexcept {
    sample.one_in *= one_in;
    observer.observe(packet, sample);
}

}  // namespace gabion::worker
