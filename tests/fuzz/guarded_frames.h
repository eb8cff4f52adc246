// SPDX-License-Identifier: Apache-2.0
// Frames in packet buffers around which nothing may be read: AddressSanitizer knows where each begins and ends. A port's own buffers have room in
// front of a frame and behind it, where a wrong read would find bytes and not be seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "tests/support/packet.h"

struct rte_mbuf;
struct rte_mbuf_ext_shared_info;
struct rte_mempool;

namespace gabion::test {

class GuardedFrames {
public:
    // Where a frame lies. exact: a piece of the heap of its size, at any alignment. pooled: as a port's driver puts it, with the rest of the
    // buffer poisoned.
    enum class Memory { exact, pooled };

    explicit GuardedFrames(rte_mempool* pool);
    ~GuardedFrames();
    GuardedFrames(const GuardedFrames&) = delete;
    GuardedFrames& operator=(const GuardedFrames&) = delete;

    // Another buffer with these bytes; those in a buffer of the pool up to buffer_bytes.
    rte_mbuf* make(const Bytes& frame, Memory memory, std::size_t alignment = 0);
    // Of those with memory of their own: made, and not freed by whoever has them.
    [[nodiscard]] std::size_t alive() const noexcept { return alive_; }

private:
    struct Own;
    rte_mbuf* make_exact(rte_mbuf* buffer, const Bytes& frame, std::size_t alignment);
    static rte_mbuf* make_pooled(rte_mbuf* buffer, const Bytes& frame);
    static void release(void* address, void* own);

    rte_mempool* pool_;
    std::size_t alive_ = 0;
};

// The bytes of a frame, one piece or not.
Bytes bytes_of(const rte_mbuf* frame);

}  // namespace gabion::test
