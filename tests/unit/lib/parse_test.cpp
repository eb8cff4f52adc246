// SPDX-License-Identifier: Apache-2.0
// The parser's small spaces, swept whole: ethertypes, header lengths, flags, protocols, cuts, orders of extension headers.
#include "bpf/lib/parse.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "bpf/lib/kind.h"
#include "tests/support/packet.h"

namespace gabion::test {
namespace {

const Ethernet eth{};

struct Parsed {
    gabion_packet packet{};
    std::uint32_t reason = GABION_REASON_NONE;
};

Parsed parse_bytes(const Bytes& frame) {
    Parsed parsed;
    const auto* begin = reinterpret_cast<const __u8*>(frame.data());
    parsed.reason = gabion_parse(begin, begin + frame.size(), static_cast<__u32>(frame.size()), &parsed.packet);
    return parsed;
}

Parsed parse_packet(const Packet& packet) { return parse_bytes(packet.bytes()); }

TEST(ParseSweep, EtherTypes) {
    Bytes frame = (eth / IPv4{} / UDP{} / Payload{40}).bytes();
    for (unsigned type = 0; type < 65536; type++) {
        frame[12] = std::byte(type >> 8);
        frame[13] = std::byte(type & 0xff);
        const std::uint32_t reason = parse_bytes(frame).reason;
        if (type == 0x0800) {
            EXPECT_EQ(reason, GABION_REASON_NONE);
        } else if (type == 0x86dd) {
            EXPECT_EQ(reason, GABION_REASON_MALFORMED_IPV6);
        } else {  // under 0x8100 and 0x88a8 as well: what follows the tag here has type 0
            EXPECT_EQ(reason, GABION_REASON_NOT_IP) << type;
        }
    }
}

TEST(ParseSweep, VersionsAndHeaderLengths) {
    for (unsigned version = 0; version < 16; version++)
        for (unsigned words = 0; words < 16; words++) {
            const bool sound = version == 4 && words >= 5;
            const Parsed parsed = parse_packet(eth /
                                               IPv4{.option_bytes = words > 5 ? 4 * (words - 5) : 0,
                                                    .version = static_cast<std::uint8_t>(version),
                                                    .words = static_cast<std::uint8_t>(words)} /
                                               UDP{.dport = 4242} / Payload{60});
            EXPECT_EQ(parsed.reason, sound ? GABION_REASON_NONE : GABION_REASON_MALFORMED_IPV4)
                << version << " " << words;
            if (!sound) continue;
            EXPECT_EQ(parsed.packet.destination_port, 4242);
            EXPECT_EQ((parsed.packet.flags & GABION_PACKET_IP_OPTIONS) != 0, words > 5);
            EXPECT_EQ(parsed.packet.payload_length, 60);
        }
}

TEST(ParseSweep, TotalLengths) {
    const std::size_t whole = 20 + 8 + 30;
    for (std::uint16_t length = 0; length < 200; length++) {
        const Parsed parsed = parse_bytes((eth / IPv4{.length = length} / UDP{.length = 8} / Payload{30}).bytes());
        if (length < 20 || length > whole) {
            EXPECT_EQ(parsed.reason, GABION_REASON_MALFORMED_IPV4) << length;
        } else {
            EXPECT_EQ(parsed.reason, length < 28 ? GABION_REASON_MALFORMED_UDP : GABION_REASON_NONE) << length;
            EXPECT_EQ(parsed.packet.ip_length, length);
        }
    }
}

TEST(ParseSweep, DataOffsets) {
    for (unsigned words = 0; words < 16; words++)
        for (std::size_t payload = 0; payload <= 48; payload += 4) {
            const Parsed parsed = parse_bytes(
                (eth / IPv6{} / TCP{.words = static_cast<std::uint8_t>(words)} / Payload{payload}).padded(200));
            const bool sound = words >= 5 && 4 * words <= 20 + payload;
            EXPECT_EQ(parsed.reason, sound ? GABION_REASON_NONE : GABION_REASON_MALFORMED_TCP)
                << words << " " << payload;
            if (sound) {
                EXPECT_EQ(parsed.packet.payload_length, 20 + payload - 4 * words);
            }
        }
}

TEST(ParseSweep, TcpFlags) {
    for (unsigned flags = 0; flags < 256; flags++) {
        const Parsed parsed = parse_packet(eth / IPv4{} / TCP{.flags = static_cast<std::uint8_t>(flags)});
        const bool fin = flags & 1, syn = flags & 2, rst = flags & 4, ack = flags & 16;
        const bool odd = (syn && fin) || (syn && rst) || (fin && rst) || (!syn && !rst && !ack);
        EXPECT_EQ(parsed.reason, GABION_REASON_NONE);
        EXPECT_EQ(parsed.packet.tcp_flags, flags & 0x3f);
        EXPECT_EQ((parsed.packet.flags & GABION_PACKET_ODD) != 0, odd) << flags;
    }
}

TEST(ParseSweep, ProtocolsWithoutPayload) {
    for (unsigned protocol = 0; protocol < 256; protocol++) {
        const std::uint32_t reason4 =
            parse_bytes((eth / IPv4{.protocol = static_cast<std::uint8_t>(protocol)}).padded()).reason;
        const std::uint32_t reason6 =
            parse_bytes((eth / IPv6{.next = static_cast<std::uint8_t>(protocol)}).padded()).reason;
        std::uint32_t expected4 = GABION_REASON_NONE, expected6 = GABION_REASON_NONE;
        if (protocol == 6) expected4 = expected6 = GABION_REASON_MALFORMED_TCP;
        if (protocol == 17) expected4 = expected6 = GABION_REASON_MALFORMED_UDP;
        if (protocol == 1) expected4 = GABION_REASON_MALFORMED_ICMP;
        if (protocol == 58) expected6 = GABION_REASON_MALFORMED_ICMP;
        if (protocol == 43 || protocol == 44 || protocol == 51 || protocol == 60)
            expected6 = GABION_REASON_MALFORMED_IPV6;
        EXPECT_EQ(reason4, expected4) << protocol;
        // hop-by-hop with length 0 is a jumbogram: its length is the padded frame's, and its chain of zeros goes on and on
        if (protocol != 0) {
            EXPECT_EQ(reason6, expected6) << protocol;
        }
    }
}

TEST(ParseSweep, EveryCut) {
    const std::array<Packet, 4> packets = {
        eth / Vlan{} / IPv4{.option_bytes = 8} / TCP{.option_bytes = 12} / Payload{20},
        eth / IPv6{} / Extension{.kind = 0} / Extension{.kind = 60, .bytes = 24} / UDP{} / Payload{20},
        eth / IPv4{} / ICMP{} / Payload{56},
        eth / IPv6{.hop_limit = 255} / ICMP{.type = 135} / Payload{16},
    };
    for (const Packet& packet : packets) {
        const std::size_t whole = packet.bytes().size();
        for (std::size_t length = 0; length < whole; length++) {
            const std::uint32_t reason = parse_bytes(packet.cut(length)).reason;
            EXPECT_TRUE(reason == GABION_REASON_MALFORMED_ETHERNET || reason == GABION_REASON_MALFORMED_IPV4 ||
                        reason == GABION_REASON_MALFORMED_IPV6)
                << length << " of " << whole << ": " << reason;
        }
        EXPECT_TRUE(parse_bytes(packet.bytes()).reason == GABION_REASON_NONE ||
                    parse_bytes(packet.bytes()).reason == GABION_REASON_NEIGHBOUR);
    }
}

TEST(ParseSweep, ExtensionOrders) {
    std::array<std::uint8_t, 5> kinds = {0, 43, 44, 51, 60};
    std::sort(kinds.begin(), kinds.end());
    do {
        Packet packet = eth / IPv6{};
        for (const std::uint8_t kind : kinds)
            packet = packet / Extension{.kind = kind, .bytes = kind == 44 ? std::size_t{8} : std::size_t{16}};
        const Parsed parsed = parse_packet(packet / TCP{.dport = 443} / Payload{9});
        EXPECT_EQ(parsed.reason, GABION_REASON_NONE);
        EXPECT_EQ(parsed.packet.destination_port, 443);
        EXPECT_EQ(parsed.packet.payload_length, 9);
        EXPECT_EQ(parsed.packet.flags, GABION_PACKET_L4 | GABION_PACKET_IP_OPTIONS | GABION_PACKET_ODD);
    } while (std::next_permutation(kinds.begin(), kinds.end()));
}

TEST(Parse, Fragments) {
    const Parsed first = parse_packet(eth / IPv6{} / Extension{.kind = 44, .fragment = 1} /
                                      UDP{.dport = 53, .length = 2000} / Payload{8});
    EXPECT_EQ(first.packet.flags, GABION_PACKET_FRAGMENT | GABION_PACKET_L4);
    EXPECT_EQ(first.packet.destination_port, 53);
    const Parsed later = parse_packet(eth / IPv6{} / Extension{.kind = 44, .fragment = 0x100, .next = 17} / Payload{8});
    EXPECT_EQ(later.packet.flags, GABION_PACKET_FRAGMENT | GABION_PACKET_LATER_FRAGMENT);
    EXPECT_EQ(later.packet.protocol, 17);
    EXPECT_EQ(later.packet.source_port, 0);
    // a chain that the first fragment cuts short: what Linux holds back until the rest comes is not malformed here
    const Parsed cut = parse_packet(eth / IPv6{} / Extension{.kind = 44, .fragment = 1, .next = 60} / Payload{4});
    EXPECT_EQ(cut.reason, GABION_REASON_NONE);
    EXPECT_TRUE(cut.packet.flags & GABION_PACKET_ODD);
}

TEST(Parse, PaddingIsNotPayload) {
    const Parsed parsed = parse_bytes((eth / IPv4{} / TCP{}).padded(60));
    EXPECT_EQ(parsed.packet.payload_length, 0);
    EXPECT_EQ(parsed.packet.ip_length, 40u);
    EXPECT_EQ(parsed.packet.frame_length, 60u);
}

TEST(Parse, LongFramesOfLocalSenders) {
    // "BIG TCP" over IPv4: a total length of 0 in a frame that no length could tell
    Bytes frame = (eth / IPv4{.length = 0} / TCP{} / Payload{70'000}).bytes();
    const Parsed parsed = parse_bytes(frame);
    EXPECT_EQ(parsed.reason, GABION_REASON_NONE);
    EXPECT_EQ(parsed.packet.ip_length, frame.size() - 14);
    EXPECT_EQ(parsed.packet.payload_length, 0xffff);
    frame.resize(1000);
    EXPECT_EQ(parse_bytes(frame).reason, GABION_REASON_MALFORMED_IPV4);
}

TEST(Kind, PortsThatAreNeverHandedOver) {
    const std::vector<unsigned> control = {67,  68,   319,  320,  520,  521,  546,  547,
                                           646, 1985, 2029, 3222, 3784, 3785, 4784, 6784};
    const std::vector<unsigned> tunnels = {1701, 2152, 4789, 6081, 6635, 8472};
    gabion_packet packet{};
    packet.protocol = 17;
    for (unsigned port = 0; port < 65536; port++) {
        packet.destination_port = static_cast<__u16>(port);
        const bool expected = std::find(control.begin(), control.end(), port) != control.end() ||
                              std::find(tunnels.begin(), tunnels.end(), port) != tunnels.end();
        EXPECT_EQ(gabion_never_handed_over(&packet) != 0, expected) << port;
    }
}

}  // namespace
}  // namespace gabion::test
