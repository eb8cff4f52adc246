// SPDX-License-Identifier: Apache-2.0
// Where a packet stands in the size histogram: six classes by protocol and destination port, and within each 48 log-linear
// buckets of the IP length, four to an octave (relative width at most 25 %, as in HdrHistogram with two significant bits).
#pragma once

#include <bit>
#include <cstdint>

#include "bpf/lib/packet.h"

namespace gabion::detect {

inline constexpr unsigned kSizeClasses = 6;  // TCP and UDP, each to ports below and from 1024; ICMP; the rest
inline constexpr unsigned kSizeBuckets =
    48;  // 0..31, then four to an octave up to 65,535; longer ones (jumbograms) in the last
inline constexpr unsigned kSizeCells = kSizeClasses * kSizeBuckets;

constexpr unsigned size_bucket(std::uint32_t ip_length) noexcept {
    if (ip_length < 32) return 0;
    const unsigned octave = static_cast<unsigned>(std::bit_width(ip_length)) - 1;  // at least 5
    const unsigned bucket = 1 + (octave - 5) * 4 + ((ip_length >> (octave - 2)) & 3);
    return bucket < kSizeBuckets ? bucket : kSizeBuckets - 1;
}

constexpr unsigned size_class(std::uint8_t protocol, std::uint16_t destination_port) noexcept {
    constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmp6 = 58;
    const unsigned high = destination_port >= 1024 ? 1 : 0;
    if (protocol == kTcp) return high;
    if (protocol == kUdp) return 2 + high;
    return protocol == kIcmp || protocol == kIcmp6 ? 4 : 5;
}

inline unsigned size_cell(const gabion_packet& packet) noexcept {
    return size_class(packet.protocol, packet.destination_port) * kSizeBuckets + size_bucket(packet.ip_length);
}

}  // namespace gabion::detect
