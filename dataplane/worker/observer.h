// SPDX-License-Identifier: Apache-2.0
// What a worker asks of the detectors, called directly: a packet costs no virtual call.
#pragma once

#include <concepts>
#include <cstdint>

#include "bpf/abi/sample.h"
#include "bpf/lib/packet.h"

namespace gabion::worker {

template <typename T>
concept Observer = requires(T& observer, const T& constant, const gabion_packet& packet, const gabion_sample& sample,
                            std::uint64_t now_ns) {
    { observer.observe(packet, sample) }
    noexcept;
    { observer.housekeeping(now_ns) }
    noexcept;  // at most 20 ms apart while not idle; CLOCK_MONOTONIC
    { constant.idle() }
    noexcept->std::same_as<bool>;  // nothing is waiting for the next housekeeping
};

struct NullObserver {
    void observe(const gabion_packet&, const gabion_sample&) noexcept {}
    void housekeeping(std::uint64_t) noexcept {}
    [[nodiscard]] bool idle() const noexcept { return true; }
};

static_assert(Observer<NullObserver>);

}  // namespace gabion::worker
