// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/flow_view.h"

#include "bpf/lib/flow.h"

namespace gabion::daemon {

bool FlowView::established(const gabion_packet& packet) const noexcept {
    const gabion_flow_key key = gabion_flow_in(&packet, &control_.hash);
    const std::uint32_t now = tick_.load(std::memory_order_relaxed);
    const Buckets& buckets = *buckets_.load(std::memory_order_acquire);
    for (const gabion_flow& flow : buckets[key.bucket & (buckets.size() - 1)].flow) {
        // The stamp may be ahead of the tick, which is up to a second old.
        const bool alive =
            static_cast<std::int32_t>(now - flow.stamp) <= static_cast<std::int32_t>(control_.flow_idle_ticks);
        if (flow.tag == key.tag && flow.kind == GABION_FLOW_ESTABLISHED && alive) return true;
    }
    return false;
}

}  // namespace gabion::daemon
