// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/frame.h"

#include "bpf/abi/reason.h"
#include "bpf/lib/parse.h"

namespace gabion::worker {

bool read_packet(std::span<const std::uint8_t> frame, gabion_packet& packet) noexcept {
    return gabion_parse(frame.data(), frame.data() + frame.size(), static_cast<std::uint32_t>(frame.size()), &packet) ==
           GABION_REASON_NONE;
}

}  // namespace gabion::worker
