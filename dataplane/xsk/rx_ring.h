// SPDX-License-Identifier: Apache-2.0
// Received frames, from the kernel to us. Owned by a Socket; its address is fixed for the socket's life.
#pragma once

#include <cstdint>

#include <xdp/xsk.h>

namespace gabion::xsk {

class RxRing {
public:
    RxRing() = default;
    RxRing(const RxRing&) = delete;
    RxRing& operator=(const RxRing&) = delete;

    // How many frames are there, at most `most`; the first has the number `first`, and numbers wrap.
    [[nodiscard]] std::uint32_t peek(std::uint32_t most, std::uint32_t& first) noexcept {
        return xsk_ring_cons__peek(&ring_, most, &first);
    }
    [[nodiscard]] const xdp_desc& at(std::uint32_t number) const noexcept {
        return *xsk_ring_cons__rx_desc(&ring_, number);
    }
    void release(std::uint32_t count) noexcept { xsk_ring_cons__release(&ring_, count); }
    [[nodiscard]] xsk_ring_cons* raw() noexcept { return &ring_; }

private:
    xsk_ring_cons ring_{};
};

}  // namespace gabion::xsk
