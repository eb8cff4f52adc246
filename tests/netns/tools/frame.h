// SPDX-License-Identifier: Apache-2.0
// Frames that the traffic tools send: Ethernet, IPv4 or IPv6, and UDP, TCP or an ICMP echo request, with right checksums. A
// payload with room for it begins with a Stamp; the rest is zeros, so the sum of a long packet costs no more than of a short one.
#pragma once

#include <cstdint>
#include <span>

#include "tests/netns/tools/lab.h"

namespace gabion::lab {

// What a receiver needs to tell lost, duplicated and reordered packets. Host byte order: both ends are this machine.
struct Stamp {
    static constexpr std::uint32_t expected = 0x67626e73;
    std::uint32_t magic = expected;
    std::uint32_t stream = 0;
    std::uint64_t sequence = 0;
};

struct FrameFields {
    Mac to{};
    Mac from{};
    Address source;
    Address destination;
    std::uint8_t protocol = 17;
    std::uint8_t ttl = 64;
    std::uint8_t tcp_flags = 0x10;
    std::uint16_t source_port = 0;  // ICMP: the identifier
    std::uint16_t destination_port = 0;
    std::size_t ip_length = 60;  // raised to what the headers need
    std::uint32_t tcp_sequence = 0;
    Stamp stamp;
};

// Longest frame that `write_frame` makes: an Ethernet header and 9,000 bytes.
inline constexpr std::size_t frame_max = 9014;

// Writes the frame into `room` (zeros beforehand, or a frame written before with the same fields but addresses, ports, TTL and
// stamp) and returns its length.
std::size_t write_frame(std::span<std::uint8_t> room, const FrameFields& fields);

// Where the checksums stand, for those who go on changing the frame: offsets from its start.
inline constexpr std::size_t ethernet_bytes = 14;
inline constexpr std::size_t ipv4_bytes = 20;
inline constexpr std::size_t ipv6_bytes = 40;

// "S", "SA", "PA", ... to the bits of the TCP header.
std::uint8_t parse_tcp_flags(const std::string& text);
// "udp", "tcp", "icmp" to the number of the protocol in that family.
std::uint8_t parse_protocol(const std::string& text, int family);

// RFC 1071: the sum of 16-bit words, not folded, and its end.
std::uint32_t sum_words(std::span<const std::uint8_t> bytes, std::uint32_t sum = 0);
std::uint16_t fold_sum(std::uint32_t sum);

}  // namespace gabion::lab
