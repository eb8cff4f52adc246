// SPDX-License-Identifier: Apache-2.0
// Empty frames, from us to the kernel. It is as large as the UMEM has chunks, so posting never fails.
#pragma once

#include <cstdint>

#include <xdp/xsk.h>

namespace gabion::xsk {

class FillRing {
public:
    FillRing() = default;
    FillRing(const FillRing&) = delete;
    FillRing& operator=(const FillRing&) = delete;

    // Room for `count` frames, written by `slot` and handed to the kernel by `submit`. False, and no room taken, when it is full.
    [[nodiscard]] bool reserve(std::uint32_t count, std::uint32_t& first) noexcept {
        return xsk_ring_prod__reserve(&ring_, count, &first) == count;
    }
    [[nodiscard]] __u64& slot(std::uint32_t number) noexcept { return *xsk_ring_prod__fill_addr(&ring_, number); }
    void submit(std::uint32_t count) noexcept { xsk_ring_prod__submit(&ring_, count); }
    // A driver with zero copy has stopped looking and wants a system call.
    [[nodiscard]] bool needs_wakeup() const noexcept { return xsk_ring_prod__needs_wakeup(&ring_) != 0; }
    [[nodiscard]] xsk_ring_prod* raw() noexcept { return &ring_; }

private:
    xsk_ring_prod ring_{};
};

}  // namespace gabion::xsk
