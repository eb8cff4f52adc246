// SPDX-License-Identifier: Apache-2.0
// What a worker reads of a frame: the packet, by the program's own parser, and the sample in the metadata before it.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "bpf/abi/sample.h"
#include "bpf/lib/packet.h"

namespace gabion::worker {

// False when the detectors have no use for it. `packet` is filled as far as the frame can be read.
bool read_packet(std::span<const std::uint8_t> frame, gabion_packet& packet) noexcept;

// `frame` lies behind at least 16 readable bytes. A frame without a sample stands for itself, and is never late.
inline gabion_sample sample_before(std::span<const std::uint8_t> frame) noexcept {
    gabion_sample sample;
    std::memcpy(&sample, frame.data() - sizeof sample, sizeof sample);
    if (sample.magic == GABION_SAMPLE_MAGIC) return sample;
    return {GABION_SAMPLE_MAGIC, 0, 1, ~std::uint64_t{0}};
}

}  // namespace gabion::worker
