// SPDX-License-Identifier: Apache-2.0
// How many of a worker's packets its detectors see: all of them up to a budget for each slot of 20 ms, above it one in k, chosen at
// random and standing for k. The kernel's sampler thins by the load of the host; this keeps a worker's time for packets rather
// than statistics when everything is handed over. Every packet is handed back, seen or not.
//
// k is what the last slot needed, and doubles at once when a slot exceeds twice its budget. The gaps between seen packets are
// uniform in 1 .. 2k - 1, mean k: nobody outside can tell which packet is next. Packets that are not seen cost nothing here.
#pragma once

#include <algorithm>
#include <cstdint>

#include "bpf/lib/random.h"

namespace gabion::worker {

class Thinning {
public:
    static constexpr std::uint64_t slot_ns = 20'000'000;
    static constexpr std::uint32_t budget = 2048;  // seen in a slot: 100,000 packets a second

    explicit Thinning(std::uint32_t seed) noexcept : random_(seed | 1u) {}

    // Once a batch, with the number of packets in it.
    void batch(std::uint32_t packets, std::uint64_t now_ns) noexcept {
        arrived_ += packets;
        if (now_ns - began_ns_ >= slot_ns) {
            one_in_ = std::max(1u, (arrived_ + budget - 1) / budget);
            arrived_ = 0;
            began_ns_ = now_ns;
        } else if (arrived_ > 2 * budget * one_in_) {
            one_in_ *= 2;
        }
    }

    // Which packet of the batch is the next one seen, from the one numbered `from` on; `count`, how many the batch has, when none is.
    // It stands for one_in() of those that arrived. Each is asked for once, in order: next(0), then next(what came + 1).
    std::uint32_t next(std::uint32_t from, std::uint32_t count) noexcept {
        if (one_in_ == 1) return from;
        const std::uint32_t left = count - from;
        if (gap_ >= left) {
            gap_ -= left;
            return count;
        }
        const std::uint32_t at = from + gap_;
        gap_ = static_cast<std::uint32_t>(std::uint64_t{gabion_random(&random_)} * (2 * one_in_ - 1) >> 32);
        return at;
    }

    [[nodiscard]] std::uint32_t one_in() const noexcept { return one_in_; }

private:
    std::uint32_t one_in_ = 1;
    std::uint32_t gap_ = 0;  // packets to come before the next one that is seen
    std::uint32_t arrived_ = 0;
    std::uint32_t random_;
    std::uint64_t began_ns_ = 0;
};

}  // namespace gabion::worker
