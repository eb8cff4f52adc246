// SPDX-License-Identifier: Apache-2.0
// What the parser says of whole frames, in both homes: a table of cases.
#include "tests/kernel/homes.h"

namespace gabion::test {
namespace {

struct Case {
    const char* what;
    Bytes frame;
    gabion_reason reason;
};

const Ethernet eth{};

std::vector<Case> passing() {
    const Packet chain8 = [] {
        Packet packet = eth / IPv6{};
        for (int i = 0; i < GABION_IPV6_EXTENSIONS_MAX; i++)
            packet = packet / Extension{.kind = 60};
        return packet / UDP{};
    }();
    return {
        {"ARP", (Ethernet{.type = 0x0806} / Payload{28}).padded(), GABION_REASON_NOT_IP},
        {"an Ethernet header and nothing else", Packet(Ethernet{}).bytes(), GABION_REASON_NOT_IP},
        {"three VLAN tags", (eth / Vlan{.tpid = 0x88a8} / Vlan{} / Vlan{} / IPv4{} / UDP{}).bytes(),
         GABION_REASON_NOT_IP},
        {"TCP over IPv4", (eth / IPv4{} / TCP{}).bytes(), GABION_REASON_CLEAN},
        {"TCP over IPv4, padded to 60", (eth / IPv4{} / TCP{}).padded(), GABION_REASON_CLEAN},
        {"UDP over IPv4, one tag", (eth / Vlan{} / IPv4{} / UDP{} / Payload{30}).bytes(), GABION_REASON_CLEAN},
        {"UDP over IPv6, two tags", (eth / Vlan{.tpid = 0x88a8} / Vlan{} / IPv6{} / UDP{}).bytes(),
         GABION_REASON_CLEAN},
        {"IPv4 with 40 bytes of options", (eth / IPv4{.option_bytes = 40} / TCP{}).bytes(), GABION_REASON_CLEAN},
        {"a first fragment with half a TCP header",
         (eth / IPv4{.fragment = 0x2000, .protocol = 6} / Payload{8}).padded(), GABION_REASON_CLEAN},
        {"a later fragment", (eth / IPv4{.fragment = 185, .protocol = 17} / Payload{4}).padded(), GABION_REASON_CLEAN},
        {"a first fragment of a long datagram",
         (eth / IPv4{.fragment = 0x2000} / UDP{.length = 3000} / Payload{64}).bytes(), GABION_REASON_CLEAN},
        {"an IPv6 fragment", (eth / IPv6{} / Extension{.kind = 44, .fragment = 1480} / Payload{16}).bytes(),
         GABION_REASON_CLEAN},
        {"as many extension headers as are read", chain8.bytes(), GABION_REASON_CLEAN},
        {"an unknown protocol without any payload", (eth / IPv4{.protocol = 253}).padded(), GABION_REASON_CLEAN},
        {"no next header", (eth / IPv6{}).padded(), GABION_REASON_CLEAN},
        {"a jumbogram",
         (eth / IPv6{.payload_length = 0} / Extension{.kind = 0} / UDP{.length = 0} / Payload{100}).bytes(),
         GABION_REASON_CLEAN},
        {"echo request", (eth / IPv4{} / ICMP{}).padded(), GABION_REASON_CLEAN},
        {"a solicitation on this link", (eth / IPv6{.hop_limit = 255} / ICMP{.type = 135} / Payload{16}).bytes(),
         GABION_REASON_NEIGHBOUR},
        {"a solicitation from elsewhere", (eth / IPv6{.hop_limit = 254} / ICMP{.type = 135} / Payload{16}).bytes(),
         GABION_REASON_CLEAN},
    };
}

std::vector<Case> malformed() {
    const Packet chain9 = [] {
        Packet packet = eth / IPv6{};
        for (int i = 0; i <= GABION_IPV6_EXTENSIONS_MAX; i++)
            packet = packet / Extension{.kind = 60};
        return packet / UDP{};
    }();
    return {
        {"half a VLAN tag", (eth / Vlan{} / IPv4{} / UDP{}).cut(16), GABION_REASON_MALFORMED_ETHERNET},
        {"half a second VLAN tag", (eth / Vlan{.tpid = 0x88a8} / Vlan{} / IPv4{} / UDP{}).cut(21),
         GABION_REASON_MALFORMED_ETHERNET},
        {"a third VLAN tag cut short", (eth / Vlan{} / Vlan{} / Vlan{} / IPv4{} / UDP{}).cut(24),
         GABION_REASON_MALFORMED_ETHERNET},
        {"three priority tags", (eth / Vlan{.id = 0} / Vlan{.id = 0} / Vlan{.id = 0} / IPv4{} / UDP{}).bytes(),
         GABION_REASON_MALFORMED_ETHERNET},
        {"a priority tag behind two others", (eth / Vlan{} / Vlan{} / Vlan{.id = 0} / IPv6{} / UDP{}).bytes(),
         GABION_REASON_MALFORMED_ETHERNET},
        {"half an IPv4 header", (eth / IPv4{} / UDP{}).cut(33), GABION_REASON_MALFORMED_IPV4},
        {"IPv6 under IPv4's type", (Ethernet{.type = 0x0800} / IPv6{} / UDP{}).bytes(), GABION_REASON_MALFORMED_IPV4},
        {"a header length of 16", (eth / IPv4{.words = 4} / UDP{} / Payload{40}).bytes(), GABION_REASON_MALFORMED_IPV4},
        {"options beyond the packet", (eth / IPv4{.words = 15} / UDP{}).padded(100), GABION_REASON_MALFORMED_IPV4},
        {"longer than the frame", (eth / IPv4{.length = 200} / UDP{} / Payload{40}).bytes(),
         GABION_REASON_MALFORMED_IPV4},
        {"shorter than its header", (eth / IPv4{.length = 19} / UDP{} / Payload{40}).bytes(),
         GABION_REASON_MALFORMED_IPV4},
        {"half an IPv6 header", (eth / IPv6{} / UDP{}).cut(50), GABION_REASON_MALFORMED_IPV6},
        {"IPv4 under IPv6's type", (Ethernet{.type = 0x86dd} / IPv4{} / TCP{} / Payload{40}).bytes(),
         GABION_REASON_MALFORMED_IPV6},
        {"IPv6 longer than the frame", (eth / IPv6{.payload_length = 100} / UDP{}).bytes(),
         GABION_REASON_MALFORMED_IPV6},
        {"an extension header cut short", (eth / IPv6{.next = 60} / Payload{6}).bytes(), GABION_REASON_MALFORMED_IPV6},
        {"an extension header that is too long", (eth / IPv6{} / Extension{.kind = 60, .length = 9} / UDP{}).bytes(),
         GABION_REASON_MALFORMED_IPV6},
        {"one extension header too many", chain9.bytes(), GABION_REASON_IPV6_CHAIN},
        {"half a TCP header", (eth / IPv4{.protocol = 6} / Payload{19}).padded(), GABION_REASON_MALFORMED_TCP},
        {"a data offset of 4", (eth / IPv4{} / TCP{.words = 4} / Payload{20}).bytes(), GABION_REASON_MALFORMED_TCP},
        {"a data offset beyond the packet, though not beyond the frame", (eth / IPv4{} / TCP{.words = 6}).padded(),
         GABION_REASON_MALFORMED_TCP},
        {"half a UDP header", (eth / IPv6{.next = 17} / Payload{7}).bytes(), GABION_REASON_MALFORMED_UDP},
        {"UDP longer than the packet, though not than the frame", (eth / IPv4{} / UDP{.length = 9}).padded(),
         GABION_REASON_MALFORMED_UDP},
        {"a UDP length of 7", (eth / IPv4{} / UDP{.length = 7} / Payload{20}).bytes(), GABION_REASON_MALFORMED_UDP},
        {"a UDP length of 0 over IPv4", (eth / IPv4{} / UDP{.length = 0} / Payload{20}).bytes(),
         GABION_REASON_MALFORMED_UDP},
        {"half an ICMP header", (eth / IPv4{.protocol = 1} / Payload{7}).padded(), GABION_REASON_MALFORMED_ICMP},
        {"half an ICMPv6 header", (eth / IPv6{.next = 58} / Payload{7}).bytes(), GABION_REASON_MALFORMED_ICMP},
    };
}

class Parse : public Homes {
protected:
    void SetUp() override {
        Homes::SetUp();
        // The parser alone: these would want to hand over what is odd, or drop it.
        host().settings().features &= ~(GABION_FEATURE_SAMPLER | GABION_FEATURE_VALIDATION);
    }
};

TEST_F(Parse, WhatLinuxTakesPasses) {
    for (const Case& each : passing())
        EXPECT_EQ(reason(each.frame), each.reason) << each.what;
    expect_agreement();
}

TEST_F(Parse, WhatLinuxDropsIsNamed) {
    for (const Case& each : malformed())
        EXPECT_EQ(reason(each.frame), each.reason) << each.what;
    expect_agreement();
}

TEST_F(Parse, PassesNonIpWhateverIsBanned) {
    put(GABION_SET_OPERATOR, "2001:db8::1");
    put(GABION_SET_OPERATOR, "0.0.0.0/1");
    control().panic = {.trips_below = ~0ull, .rate = 0, .depth = 0, .drop_threshold = ~0u, .reserved = 0};
    EXPECT_EQ(reason((Ethernet{.type = 0x0806} / Payload{28}).padded()), GABION_REASON_NOT_IP);
    EXPECT_EQ(reason(eth / IPv6{.hop_limit = 255} / ICMP{.type = 136} / Payload{16}), GABION_REASON_NEIGHBOUR);
    EXPECT_EQ(reason(eth / IPv6{.hop_limit = 64} / ICMP{.type = 136} / Payload{16}), GABION_REASON_BREAKER);
}

}  // namespace
}  // namespace gabion::test
