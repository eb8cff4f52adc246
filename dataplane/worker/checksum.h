// SPDX-License-Identifier: Apache-2.0
// L4 checksums that a sender on this machine left to its network device: the field holds only the pseudo-header's
// sum, and AF_XDP forgets that the rest is owed. Pure functions over a frame and what the parser found in it.
#pragma once

#include <cstdint>
#include <span>

#include "bpf/lib/packet.h"

namespace gabion::worker {

// The 16-bit one's-complement sum (RFC 1071) of `bytes` added to `sum`, folded; in the byte order of the data in memory.
std::uint16_t internet_sum(std::span<const std::uint8_t> bytes, std::uint64_t sum = 0) noexcept;

// If the TCP or UDP checksum field equals the bare pseudo-header sum, completes it and returns true. A packet that is valid
// although its field equals that sum stays valid: adding a sum to its own complement gives the same field again (RFC 1071,
// section 2; for UDP 0 is written as 0xffff, RFC 768). Anything else is left alone: the stack is to judge it.
bool complete_checksum(std::span<std::uint8_t> frame, const gabion_packet& packet) noexcept;

}  // namespace gabion::worker
