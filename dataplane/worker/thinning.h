// SPDX-License-Identifier: Apache-2.0
// How many of a worker's packets its detectors see: all of them up to a budget for each slot of 20 ms, above it one in k, chosen at
// random and standing for k. The kernel's sampler thins by the load of the host; this keeps a worker's time for packets rather
// than statistics when everything is handed over. Every packet is handed back, seen or not.
//
// k is what the last slot needed, and doubles at once when a slot exceeds twice its budget. The gaps between seen packets are
// uniform in 1 .. 2k - 1, mean k: nobody outside can tell which packet is next.
#pragma once

#include <algorithm>
#include <cstdint>

#include "bpf/lib/random.h"

namespace gabion::worker {

class Thinning {
public:
    static constexpr std::uint64_t slot_ns = 20'000'000;
    static constexpr std::uint32_t budget =
        4096;  // seen in a slot: 200,000 packets a second, about 10 ms of a CPU each second

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

    // Whether the next packet is seen; it then stands for one_in() of those that arrived.
    bool take() noexcept {
        if (one_in_ == 1) return true;
        if (gap_ > 1) {
            --gap_;
            return false;
        }
        gap_ = 1 + static_cast<std::uint32_t>(std::uint64_t{gabion_random(&random_)} * (2 * one_in_ - 1) >> 32);
        return true;
    }

    [[nodiscard]] std::uint32_t one_in() const noexcept { return one_in_; }

private:
    std::uint32_t one_in_ = 1;
    std::uint32_t gap_ = 0;
    std::uint32_t arrived_ = 0;
    std::uint32_t random_;
    std::uint64_t began_ns_ = 0;
};

}  // namespace gabion::worker
