// SPDX-License-Identifier: Apache-2.0
// The worker's side of a queue's credit (bpf/abi/queue.h): who may claim, and what has been released. One worker writes; the
// program reads. The order of the steps of a new worker: close, begin, socket into the map, open.
#pragma once

#include <cstdint>

#include "bpf/abi/queue.h"

namespace gabion::worker {

class Credit {
public:
    explicit Credit(gabion_queue& queue) noexcept : queue_(&queue) {}

    // Nothing may be claimed from now on; claims under way end within the NAPI poll that made them.
    void close() noexcept { __atomic_store_n(&queue_->limit, 0u, __ATOMIC_RELEASE); }

    // A new epoch with nothing outstanding. Only while closed and quiet.
    void begin(std::uint32_t frame_bytes_max) noexcept {
        __atomic_store_n(&queue_->frame_bytes_max, frame_bytes_max, __ATOMIC_RELAXED);
        __atomic_store_n(&queue_->released, claimed(), __ATOMIC_RELEASE);
        const std::uint32_t next = queue_->epoch + 1;
        __atomic_store_n(&queue_->epoch, next == 0 ? 1 : next, __ATOMIC_RELEASE);
    }

    void open(std::uint32_t limit) noexcept { __atomic_store_n(&queue_->limit, limit, __ATOMIC_RELEASE); }
    void set_frame_bytes_max(std::uint32_t bytes) noexcept {
        __atomic_store_n(&queue_->frame_bytes_max, bytes, __ATOMIC_RELEASE);
    }

    // `count` frames are back in the fill ring.
    void release(std::uint64_t count) noexcept {
        __atomic_store_n(&queue_->released, queue_->released + count, __ATOMIC_RELEASE);
    }

    [[nodiscard]] std::uint64_t claimed() const noexcept { return __atomic_load_n(&queue_->claimed, __ATOMIC_ACQUIRE); }
    // Packets in the worker's hands, or on their way to it. A claim over the limit is undone at once, but can be seen here.
    [[nodiscard]] std::uint64_t outstanding() const noexcept { return claimed() - queue_->released; }

private:
    gabion_queue* queue_;
};

}  // namespace gabion::worker
