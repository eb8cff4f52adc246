// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/outbox.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <utility>

namespace gabion::dpdk {
namespace {

void count(__u64& counter) noexcept { __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED); }

bool is_down(std::uint16_t port) noexcept {
    rte_eth_link link{};
    return rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_DOWN;
}

}  // namespace

void Outbox::add(rte_mbuf* frame, bool seen) noexcept {
    if (frame->pkt_len > frame_bytes_max_) {
        if (seen)
            ++seen_too_long_;
        else
            count(failures_.too_long);
        rte_pktmbuf_free(frame);
        return;
    }
    frames_[count_] = frame;
    seen_[count_++] = seen;
}

std::uint32_t Outbox::send() noexcept {
    std::uint32_t seen_failed = std::exchange(seen_too_long_, 0);
    std::uint16_t sent = 0;
    // A driver may take less than it is given and yet have room a moment later.
    while (sent < count_) {
        const std::uint16_t more =
            rte_eth_tx_burst(port_, queue_, frames_.data() + sent, static_cast<std::uint16_t>(count_ - sent));
        if (more == 0) break;
        sent = static_cast<std::uint16_t>(sent + more);
    }
    if (sent < count_) {
        auto& why = is_down(port_) ? failures_.down : failures_.full;
        for (std::uint16_t i = sent; i < count_; ++i) {
            if (seen_[i])
                ++seen_failed;
            else
                count(why);
            rte_pktmbuf_free(frames_[i]);
        }
    }
    count_ = 0;
    return seen_failed;
}

}  // namespace gabion::dpdk
