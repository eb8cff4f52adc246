// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/checksum.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>
#include <optional>

namespace gabion::worker {

namespace {

constexpr std::size_t tcp_header_bytes = 20;
constexpr std::size_t tcp_checksum_at = 16;
constexpr std::size_t udp_header_bytes = 8;
constexpr std::size_t udp_checksum_at = 6;

std::uint16_t fold(std::uint64_t sum) noexcept {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

// The whole segment that the checksum covers, and where in it the checksum stands.
struct Segment {
    std::span<std::uint8_t> bytes;
    std::size_t checksum_at = 0;
};

std::optional<Segment> segment_of(std::span<std::uint8_t> frame, const gabion_packet& packet) noexcept {
    if ((packet.flags & GABION_PACKET_L4) == 0 || (packet.flags & GABION_PACKET_FRAGMENT) != 0) return std::nullopt;
    const bool tcp = packet.protocol == IPPROTO_TCP;
    if (!tcp && packet.protocol != IPPROTO_UDP) return std::nullopt;
    const std::size_t end = std::size_t{packet.l3_offset} + packet.ip_length;
    const std::size_t header = tcp ? tcp_header_bytes : udp_header_bytes;
    if (end > frame.size() || packet.l4_offset + header > end) return std::nullopt;
    return Segment{frame.subspan(packet.l4_offset, end - packet.l4_offset), tcp ? tcp_checksum_at : udp_checksum_at};
}

std::uint16_t pseudo_sum(const gabion_packet& packet, std::size_t segment_bytes) noexcept {
    std::uint64_t sum = htonl(static_cast<std::uint32_t>(segment_bytes));
    sum += htonl(packet.protocol);
    for (std::size_t i = 0; i < 4; ++i)
        sum += std::uint64_t{packet.source.word[i]} + packet.destination.word[i];
    return fold(sum);
}

}  // namespace

std::uint16_t internet_sum(std::span<const std::uint8_t> bytes, std::uint64_t sum) noexcept {
    std::uint64_t other = 0;
    const std::uint8_t* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, at += 8) {
        std::uint32_t low = 0;
        std::uint32_t high = 0;
        std::memcpy(&low, at, 4);
        std::memcpy(&high, at + 4, 4);
        sum += low;
        other += high;
    }
    std::uint8_t rest[8] = {};
    if (left > 0) std::memcpy(rest, at, left);
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, rest, 4);
    std::memcpy(&high, rest + 4, 4);
    return fold(sum + other + low + high);
}

bool complete_checksum(std::span<std::uint8_t> frame, const gabion_packet& packet) noexcept {
    const auto segment = segment_of(frame, packet);
    if (!segment) return false;
    std::uint8_t* const place = segment->bytes.data() + segment->checksum_at;
    std::uint16_t field = 0;
    std::memcpy(&field, place, sizeof field);
    if (field != pseudo_sum(packet, segment->bytes.size())) return false;

    // The field is part of the sum: it brings the pseudo-header along.
    auto checksum = static_cast<std::uint16_t>(~internet_sum(segment->bytes));
    if (checksum == 0 && packet.protocol == IPPROTO_UDP) checksum = 0xffff;
    std::memcpy(place, &checksum, sizeof checksum);
    return true;
}

}  // namespace gabion::worker
