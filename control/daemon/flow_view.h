// SPDX-License-Identifier: Apache-2.0
// The kernel's notes of vouched-for flows, as the detectors ask about them: is this packet part of a TCP connection that the host
// holds as established? Read from the workers' threads; the tick is set from the control thread, about once a second.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bpf/abi/control.h"
#include "bpf/abi/flow.h"
#include "bpf/lib/packet.h"

namespace gabion::daemon {

class FlowView {
public:
    FlowView(std::span<const gabion_flow_bucket> buckets, const gabion_control& control) : control_(control) {
        look_at(buckets);
    }

    // From the control thread: other notes from now on. The former ones must stay mapped as long as a look-up may be under way.
    void look_at(std::span<const gabion_flow_bucket> buckets) {
        views_.push_back(std::make_unique<const Buckets>(buckets));
        buckets_.store(views_.back().get(), std::memory_order_release);
    }

    void set_tick(std::uint32_t tick) noexcept { tick_.store(tick, std::memory_order_relaxed); }

    [[nodiscard]] bool established(const gabion_packet& packet) const noexcept;

    // As the observers want it (detect::FlowLookup); `view` is a FlowView.
    static bool look_up(const void* view, const gabion_packet& packet) noexcept {
        return static_cast<const FlowView*>(view)->established(packet);
    }

private:
    using Buckets = std::span<const gabion_flow_bucket>;

    std::vector<std::unique_ptr<const Buckets>> views_;  // all of them, some bytes a change
    std::atomic<const Buckets*> buckets_{nullptr};
    const gabion_control& control_;
    std::atomic<std::uint32_t> tick_{0};
};

}  // namespace gabion::daemon
