// SPDX-License-Identifier: Apache-2.0
// A worker's counters: kept here, published as whole words to the pinned map once a round, drops as they come. They go on from what is pinned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "bpf/abi/queue.h"

namespace gabion::worker {

class Counters {
public:
    explicit Counters(gabion_worker_counters& pinned) noexcept : now(pinned), pinned_(&pinned) {}

    // A frame is dropped for a reason of the program's. Published at once: it is rare.
    void count_drop(std::uint32_t reason) noexcept {
        auto& count = now.drops[reason & (GABION_REASON_SLOTS - 1)];
        __atomic_store_n(&pinned_->drops[reason & (GABION_REASON_SLOTS - 1)], ++count, __ATOMIC_RELAXED);
        ++now.dropped;
    }

    void publish() noexcept {
        constexpr std::size_t count = offsetof(gabion_worker_counters, drops) / sizeof(std::uint64_t);
        std::uint64_t words[count];
        std::memcpy(words, &now, sizeof words);
        auto* place = reinterpret_cast<std::uint64_t*>(pinned_);
        for (std::size_t i = 0; i < count; ++i)
            __atomic_store_n(place + i, words[i], __ATOMIC_RELAXED);
    }

    gabion_worker_counters now;

private:
    gabion_worker_counters* pinned_;
};

}  // namespace gabion::worker
