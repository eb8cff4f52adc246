// SPDX-License-Identifier: Apache-2.0
// The memory that holds a worker's frames, cut into chunks of one size. A frame is named by its offset. The receiving and the
// transmitting socket register the same memory each on its own: two devices that share one registration must both copy or both
// not (xp_assign_dev_shared in the kernel), and a driver's zero copy shall not be lost because the private pair has none.
#pragma once

#include <linux/if_ether.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/core/mapping.h"
#include "dataplane/core/result.h"

namespace gabion::xsk {

// What the kernel keeps free in front of a received frame (XDP_PACKET_HEADROOM); the metadata lies in its end.
inline constexpr std::uint32_t headroom_bytes = 256;
// Ethernet header and two VLAN tags, which the MTU does not count.
inline constexpr std::uint32_t link_header_bytes = ETH_HLEN + 2 * 4;
inline constexpr std::uint32_t chunk_small_bytes = 2048;
inline constexpr std::uint32_t chunk_large_bytes = 4096;

// The chunk for an interface of this MTU; what does not fit the larger one is never handed over.
constexpr std::uint32_t chunk_bytes_for(std::uint32_t mtu) noexcept {
    return mtu + link_header_bytes + headroom_bytes <= chunk_small_bytes ? chunk_small_bytes : chunk_large_bytes;
}

// The longest frame to be handed over. Not more than the link carries, though a chunk may hold more: a longer one was merged by
// an offload, and the stack still knows where to cut it.
constexpr std::uint32_t frame_bytes_max_for(std::uint32_t mtu) noexcept {
    const std::uint32_t room = chunk_bytes_for(mtu) - headroom_bytes;
    return mtu + link_header_bytes < room ? mtu + link_header_bytes : room;
}

class Umem {
public:
    // `chunk_bytes` is a power of two from 2048 to the page size.
    static Result<Umem> create(std::uint32_t chunk_bytes, std::uint32_t chunks);

    [[nodiscard]] std::uint32_t chunk_bytes() const noexcept { return chunk_bytes_; }
    [[nodiscard]] std::uint32_t chunks() const noexcept { return chunks_; }
    [[nodiscard]] void* area() const noexcept { return memory_.address(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return memory_.bytes(); }
    [[nodiscard]] std::uint64_t address_of(std::uint32_t chunk) const noexcept {
        return std::uint64_t{chunk} * chunk_bytes_;
    }
    [[nodiscard]] std::span<std::uint8_t> frame(std::uint64_t address, std::uint32_t length) const noexcept {
        return {static_cast<std::uint8_t*>(memory_.address()) + address, length};
    }

private:
    Umem(Mapping memory, std::uint32_t chunk_bytes, std::uint32_t chunks) noexcept
        : memory_(std::move(memory)), chunk_bytes_(chunk_bytes), chunks_(chunks) {}

    Mapping memory_;
    std::uint32_t chunk_bytes_ = 0;
    std::uint32_t chunks_ = 0;
};

}  // namespace gabion::xsk
