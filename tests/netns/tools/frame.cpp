// SPDX-License-Identifier: Apache-2.0
#include "tests/netns/tools/frame.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace gabion::lab {
namespace {

constexpr std::uint8_t proto_icmp = 1;
constexpr std::uint8_t proto_tcp = 6;
constexpr std::uint8_t proto_udp = 17;
constexpr std::uint8_t proto_icmp6 = 58;

void put16(std::uint8_t* at, std::size_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
}

std::size_t l4_header_bytes(std::uint8_t protocol) { return protocol == proto_tcp ? 20 : 8; }

std::size_t checksum_offset(std::uint8_t protocol) {
    if (protocol == proto_tcp) return 16;
    return protocol == proto_udp ? 6 : 2;
}

void write_l3(std::uint8_t* l3, const FrameFields& fields, std::size_t ip_length) {
    if (fields.source.family == AF_INET) {
        l3[0] = 0x45;
        put16(l3 + 2, ip_length);
        put16(l3 + 4, fields.stamp.sequence & 0xffff);
        put16(l3 + 6, 0x4000);
        l3[8] = fields.ttl;
        l3[9] = fields.protocol;
        std::memset(l3 + 10, 0, 2);
        std::memcpy(l3 + 12, fields.source.bytes.data(), 4);
        std::memcpy(l3 + 16, fields.destination.bytes.data(), 4);
        const std::uint16_t sum = fold_sum(sum_words({l3, ipv4_bytes}));
        std::memcpy(l3 + 10, &sum, 2);
        return;
    }
    l3[0] = 0x60;
    put16(l3 + 4, ip_length - ipv6_bytes);
    l3[6] = fields.protocol;
    l3[7] = fields.ttl;
    std::memcpy(l3 + 8, fields.source.bytes.data(), 16);
    std::memcpy(l3 + 24, fields.destination.bytes.data(), 16);
}

void write_l4(std::uint8_t* l4, const FrameFields& fields, std::size_t l4_length) {
    if (fields.protocol == proto_icmp || fields.protocol == proto_icmp6) {
        l4[0] = fields.protocol == proto_icmp ? 8 : 128;
        put16(l4 + 4, fields.source_port);
        put16(l4 + 6, fields.stamp.sequence & 0xffff);
        return;
    }
    put16(l4, fields.source_port);
    put16(l4 + 2, fields.destination_port);
    if (fields.protocol == proto_udp) {
        put16(l4 + 4, l4_length);
        return;
    }
    const std::uint32_t sequence = htonl(fields.tcp_sequence);
    std::memcpy(l4 + 4, &sequence, 4);
    l4[12] = 0x50;
    l4[13] = fields.tcp_flags;
    put16(l4 + 14, 0xffff);
}

// The pseudo header's sum: RFC 793 section 3.1, RFC 8200 section 8.1; ICMP over IPv4 has none.
std::uint32_t pseudo_sum(const FrameFields& fields, std::size_t l4_length) {
    if (fields.protocol == proto_icmp) return 0;
    std::uint32_t sum = sum_words({fields.source.bytes.data(), fields.source.width()});
    sum = sum_words({fields.destination.bytes.data(), fields.destination.width()}, sum);
    return sum + htons(static_cast<std::uint16_t>(l4_length)) + htons(fields.protocol);
}

}  // namespace

std::uint32_t sum_words(std::span<const std::uint8_t> bytes, std::uint32_t sum) {
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
        std::uint16_t word = 0;
        std::memcpy(&word, &bytes[i], 2);
        sum += word;
    }
    if (bytes.size() % 2 != 0) {
        std::uint16_t word = 0;
        std::memcpy(&word, &bytes[bytes.size() - 1], 1);
        sum += word;
    }
    return sum;
}

std::uint16_t fold_sum(std::uint32_t sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

std::size_t write_frame(std::span<std::uint8_t> room, const FrameFields& fields) {
    const bool v4 = fields.source.family == AF_INET;
    const std::size_t l3_bytes = v4 ? ipv4_bytes : ipv6_bytes;
    const std::size_t header_bytes = l3_bytes + l4_header_bytes(fields.protocol);
    const std::size_t ip_length = std::clamp(fields.ip_length, header_bytes, frame_max - ethernet_bytes);
    const std::size_t l4_length = ip_length - l3_bytes;
    if (room.size() < ethernet_bytes + ip_length) fail("frame does not fit its buffer");

    std::uint8_t* frame = room.data();
    std::memcpy(frame, fields.to.data(), 6);
    std::memcpy(frame + 6, fields.from.data(), 6);
    put16(frame + 12, v4 ? 0x0800 : 0x86dd);
    std::uint8_t* l3 = frame + ethernet_bytes;
    std::uint8_t* l4 = l3 + l3_bytes;
    write_l3(l3, fields, ip_length);
    write_l4(l4, fields, l4_length);

    std::size_t summed = l4_header_bytes(fields.protocol);
    if (l4_length >= summed + sizeof(Stamp)) {
        std::memcpy(l4 + summed, &fields.stamp, sizeof(Stamp));
        summed += sizeof(Stamp);
    }
    std::uint8_t* checksum = l4 + checksum_offset(fields.protocol);
    std::memset(checksum, 0, 2);
    std::uint16_t sum = fold_sum(sum_words({l4, summed}, pseudo_sum(fields, l4_length)));
    if (sum == 0 && fields.protocol == proto_udp) sum = 0xffff;
    std::memcpy(checksum, &sum, 2);
    return ethernet_bytes + ip_length;
}

std::uint8_t parse_tcp_flags(const std::string& text) {
    const std::string letters = "FSRPAU";
    unsigned flags = 0;
    for (const char letter : text) {
        const std::size_t bit = letters.find(letter);
        if (bit == std::string::npos) fail(text + ": TCP flags are letters of FSRPAU");
        flags |= 1u << bit;
    }
    return static_cast<std::uint8_t>(flags);
}

std::uint8_t parse_protocol(const std::string& text, int family) {
    if (text == "udp") return proto_udp;
    if (text == "tcp") return proto_tcp;
    if (text == "icmp") return family == AF_INET ? proto_icmp : proto_icmp6;
    fail(text + ": protocols are udp, tcp and icmp");
}

}  // namespace gabion::lab
