// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/guarded_frames.h"

#include <rte_mbuf.h>

#include <cstring>
#include <stdexcept>

#include <sanitizer/asan_interface.h>

namespace gabion::test {
namespace {

// Of a mempool's buffers, whatever a test left poisoned.
void unpoison(rte_mempool*, void*, void* object, unsigned) {
    auto* buffer = static_cast<rte_mbuf*>(object);
    ASAN_UNPOISON_MEMORY_REGION(buffer->buf_addr, buffer->buf_len);
}

}  // namespace

struct GuardedFrames::Own {
    GuardedFrames* frames;
    std::unique_ptr<std::byte[]> memory;
    rte_mbuf_ext_shared_info shared;
};

GuardedFrames::GuardedFrames(rte_mempool* pool) : pool_(pool) {}

GuardedFrames::~GuardedFrames() { rte_mempool_obj_iter(pool_, unpoison, nullptr); }

rte_mbuf* GuardedFrames::make(const Bytes& frame, Memory memory, std::size_t alignment) {
    rte_mbuf* const buffer = rte_pktmbuf_alloc(pool_);
    if (buffer == nullptr) throw std::runtime_error("no buffer is left: some were not given back");
    return memory == Memory::exact ? make_exact(buffer, frame, alignment) : make_pooled(buffer, frame);
}

rte_mbuf* GuardedFrames::make_exact(rte_mbuf* buffer, const Bytes& frame, std::size_t alignment) {
    const std::size_t bytes = alignment + frame.size();
    auto* own = new Own{this, std::make_unique_for_overwrite<std::byte[]>(bytes), {}};
    std::byte* const begin = own->memory.get();
    ASAN_POISON_MEMORY_REGION(begin, alignment);
    if (!frame.empty()) std::memcpy(begin + alignment, frame.data(), frame.size());
    own->shared.free_cb = release;
    own->shared.fcb_opaque = own;
    rte_mbuf_ext_refcnt_set(&own->shared, 1);
    rte_pktmbuf_attach_extbuf(buffer, begin, RTE_BAD_IOVA, static_cast<std::uint16_t>(bytes), &own->shared);
    buffer->data_off = static_cast<std::uint16_t>(alignment);
    buffer->data_len = static_cast<std::uint16_t>(frame.size());
    buffer->pkt_len = buffer->data_len;
    ++alive_;
    return buffer;
}

rte_mbuf* GuardedFrames::make_pooled(rte_mbuf* buffer, const Bytes& frame) {
    char* const room = static_cast<char*>(buffer->buf_addr);
    ASAN_UNPOISON_MEMORY_REGION(room, buffer->buf_len);
    char* const begin = rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(frame.size()));
    if (begin == nullptr) throw std::runtime_error("the frame is longer than a buffer");
    if (!frame.empty()) std::memcpy(begin, frame.data(), frame.size());
    char* const end = begin + frame.size();
    ASAN_POISON_MEMORY_REGION(room, static_cast<std::size_t>(begin - room));
    ASAN_POISON_MEMORY_REGION(end, static_cast<std::size_t>(room + buffer->buf_len - end));
    return buffer;
}

// Called by rte_pktmbuf_free(), whoever calls that. From now on a read of the frame is one of freed memory.
void GuardedFrames::release(void*, void* opaque) {
    const std::unique_ptr<Own> own(static_cast<Own*>(opaque));
    --own->frames->alive_;
}

Bytes bytes_of(const rte_mbuf* frame) {
    Bytes bytes;
    for (; frame != nullptr; frame = frame->next) {
        const auto* begin = static_cast<const std::byte*>(frame->buf_addr) + frame->data_off;
        bytes.insert(bytes.end(), begin, begin + frame->data_len);
    }
    return bytes;
}

}  // namespace gabion::test
