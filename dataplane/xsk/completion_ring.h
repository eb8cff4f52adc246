// SPDX-License-Identifier: Apache-2.0
// Frames that were transmitted, from the kernel back to us. A frame is back when the last copy of its packet has been freed or has
// left the device layer: for the private pair that is when the stack has taken it.
#pragma once

#include <cstdint>

#include <xdp/xsk.h>

namespace gabion::xsk {

class CompletionRing {
public:
    CompletionRing() = default;
    CompletionRing(const CompletionRing&) = delete;
    CompletionRing& operator=(const CompletionRing&) = delete;

    [[nodiscard]] std::uint32_t peek(std::uint32_t most, std::uint32_t& first) noexcept {
        return xsk_ring_cons__peek(&ring_, most, &first);
    }
    [[nodiscard]] std::uint64_t at(std::uint32_t number) const noexcept {
        return *xsk_ring_cons__comp_addr(&ring_, number);
    }
    void release(std::uint32_t count) noexcept { xsk_ring_cons__release(&ring_, count); }
    [[nodiscard]] xsk_ring_cons* raw() noexcept { return &ring_; }

private:
    xsk_ring_cons ring_{};
};

}  // namespace gabion::xsk
