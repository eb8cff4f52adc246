// SPDX-License-Identifier: Apache-2.0
// Frames to transmit, from us to the kernel.
#pragma once

#include <cstdint>

#include <xdp/xsk.h>

namespace gabion::xsk {

class TxRing {
public:
    TxRing() = default;
    TxRing(const TxRing&) = delete;
    TxRing& operator=(const TxRing&) = delete;

    [[nodiscard]] bool reserve(std::uint32_t count, std::uint32_t& first) noexcept {
        return xsk_ring_prod__reserve(&ring_, count, &first) == count;
    }
    [[nodiscard]] xdp_desc& slot(std::uint32_t number) noexcept { return *xsk_ring_prod__tx_desc(&ring_, number); }
    void submit(std::uint32_t count) noexcept { xsk_ring_prod__submit(&ring_, count); }
    // In copy mode always true: the kernel sends inside the system call.
    [[nodiscard]] bool needs_wakeup() const noexcept { return xsk_ring_prod__needs_wakeup(&ring_) != 0; }
    // Frames that the kernel has not taken yet.
    [[nodiscard]] std::uint32_t waiting() const noexcept {
        return *ring_.producer - __atomic_load_n(ring_.consumer, __ATOMIC_ACQUIRE);
    }
    [[nodiscard]] xsk_ring_prod* raw() noexcept { return &ring_; }

private:
    xsk_ring_prod ring_{};
};

}  // namespace gabion::xsk
