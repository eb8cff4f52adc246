// SPDX-License-Identifier: Apache-2.0
// Where a packet stands in the size histogram: six classes by protocol and destination port, and within each 48 log-linear
// buckets of the IP length, four to an octave (relative width at most 25 %, as in HdrHistogram with two significant bits).
#pragma once

#include <bit>
#include <cstdint>

#include "bpf/lib/packet.h"

namespace gabion::detect {

inline constexpr unsigned size_classes = 6;  // TCP and UDP, each to ports below and from 1024; ICMP; the rest
inline constexpr unsigned size_buckets =
    48;  // 0..31, then four to an octave up to 65,535; longer ones (jumbograms) in the last
inline constexpr unsigned size_cells = size_classes * size_buckets;

constexpr unsigned size_bucket(std::uint32_t ip_length) noexcept {
    if (ip_length < 32) return 0;
    const unsigned octave = static_cast<unsigned>(std::bit_width(ip_length)) - 1;  // at least 5
    const unsigned bucket = 1 + (octave - 5) * 4 + ((ip_length >> (octave - 2)) & 3);
    return bucket < size_buckets ? bucket : size_buckets - 1;
}

constexpr unsigned size_class(std::uint8_t protocol, std::uint16_t destination_port) noexcept {
    constexpr std::uint8_t icmp = 1, tcp = 6, udp = 17, icmp6 = 58;
    const unsigned high = destination_port >= 1024 ? 1 : 0;
    if (protocol == tcp) return high;
    if (protocol == udp) return 2 + high;
    return protocol == icmp || protocol == icmp6 ? 4 : 5;
}

inline unsigned size_cell(const gabion_packet& packet) noexcept {
    return size_class(packet.protocol, packet.destination_port) * size_buckets + size_bucket(packet.ip_length);
}

}  // namespace gabion::detect
