// SPDX-License-Identifier: Apache-2.0
// The filter of MAC addresses, in both homes.
#include <algorithm>
#include <cstring>

#include "tests/kernel/homes.h"

namespace gabion::test {
namespace {

constexpr Mac friendly = {0x02, 0, 0, 0, 0, 1};

// The `index`th of many different addresses.
Mac numbered(std::size_t index) { return {0x02, 0x11, 0x22, 0x33, 0x44, static_cast<std::uint8_t>(index)}; }

class MacFilter : public Homes {
protected:
    void filter(gabion_mac_mode mode, const std::vector<Mac>& macs) {
        gabion_mac_filter& filter = host().settings().mac_filter;
        filter = {};
        filter.mode = mode;
        filter.count = static_cast<__u32>(macs.size());
        for (std::size_t i = 0; i < macs.size(); i++) {
            std::memcpy(&filter.mac[i].first, macs[i].data(), 4);
            std::memcpy(&filter.mac[i].last, macs[i].data() + 4, 2);
        }
        kernel_.reset();  // fixed at load
    }

    static std::vector<Packet> ordinary(const Mac& from) {
        const Ethernet eth{.source = from};
        return {eth / IPv4{} / TCP{}, eth / IPv6{} / UDP{} / Payload{30}, eth / Vlan{} / IPv4{} / UDP{} / Payload{30},
                eth / Vlan{.tpid = 0x88a8} / Vlan{} / IPv6{} / TCP{},
                eth / IPv6{.hop_limit = 64} / ICMP{.type = 135} / Payload{16}};
    }

    // What keeps the link running.
    static std::vector<std::pair<const char*, Packet>> of_the_link(const Mac& from) {
        const Ethernet eth{.source = from};
        const auto bridges = [&](std::uint8_t last) {
            return Ethernet{.destination = {0x01, 0x80, 0xc2, 0, 0, last}, .source = from, .type = 0x88cc} /
                   Payload{46};
        };
        return {{"ARP", Ethernet{.source = from, .type = 0x0806} / Payload{46}},
                {"ARP behind a tag", eth / Vlan{.type = 0x0806} / Payload{46}},
                {"ARP behind two tags", eth / Vlan{.tpid = 0x88a8} / Vlan{.type = 0x0806} / Payload{46}},
                {"neighbour discovery", eth / IPv6{.hop_limit = 255} / ICMP{.type = 135} / Payload{16}},
                {"the same behind a tag", eth / Vlan{} / IPv6{.hop_limit = 255} / ICMP{.type = 136} / Payload{16}},
                {"STP", bridges(0)},
                {"LACP", bridges(2)},
                {"802.1X", bridges(3)},
                {"LLDP", bridges(14)},
                {"the last of them", bridges(15)}};
    }
};

TEST_F(MacFilter, OffTakesEverybody) {
    for (const Packet& packet : ordinary(numbered(9)))
        EXPECT_EQ(reason(packet), GABION_REASON_CLEAN);
}

TEST_F(MacFilter, AllowTakesOnlyWhomItNames) {
    filter(GABION_MAC_ALLOW, {friendly});
    for (const Packet& packet : ordinary(friendly))
        EXPECT_EQ(reason(packet), GABION_REASON_CLEAN);
    for (const Packet& packet : ordinary(numbered(1)))
        EXPECT_EQ(reason(packet), GABION_REASON_MAC_FILTER);
    EXPECT_EQ(reason(Ethernet{.source = numbered(1), .type = 0x88b5} / Payload{46}), GABION_REASON_MAC_FILTER)
        << "not IP, and nothing that the link needs";
    EXPECT_EQ(reason(Ethernet{.source = friendly, .type = 0x88b5} / Payload{46}), GABION_REASON_NOT_IP);
    expect_agreement();
}

TEST_F(MacFilter, DenyTakesAllOthers) {
    filter(GABION_MAC_DENY, {numbered(1), numbered(2)});
    for (const Packet& packet : ordinary(friendly))
        EXPECT_EQ(reason(packet), GABION_REASON_CLEAN);
    for (const std::size_t index : {1, 2})
        for (const Packet& packet : ordinary(numbered(index)))
            EXPECT_EQ(reason(packet), GABION_REASON_MAC_FILTER);
}

TEST_F(MacFilter, WhatTheLinkNeedsPassesInBothModes) {
    for (const gabion_mac_mode mode : {GABION_MAC_ALLOW, GABION_MAC_DENY}) {
        filter(mode, {mode == GABION_MAC_ALLOW ? friendly : numbered(1)});
        for (const auto& [what, packet] : of_the_link(numbered(1)))
            EXPECT_NE(reason(packet), GABION_REASON_MAC_FILTER) << what;
        const Ethernet beyond{.destination = {0x01, 0x80, 0xc2, 0, 0, 16}, .source = numbered(1), .type = 0x88b5};
        EXPECT_EQ(reason(beyond / Payload{46}), GABION_REASON_MAC_FILTER) << "a group that bridges forward";
    }
}

TEST_F(MacFilter, HoldsEightAndComparesEveryByte) {
    std::vector<Mac> macs;
    for (std::size_t i = 0; i < GABION_MACS_MAX; i++)
        macs.push_back(numbered(i));
    filter(GABION_MAC_ALLOW, macs);
    for (std::size_t i = 0; i < 2 * GABION_MACS_MAX; i++)
        EXPECT_EQ(reason(Ethernet{.source = numbered(i)} / IPv4{} / UDP{} / Payload{20}),
                  i < GABION_MACS_MAX ? GABION_REASON_CLEAN : GABION_REASON_MAC_FILTER);
    for (std::size_t byte = 0; byte < 6; byte++) {
        Mac other = numbered(0);
        other[byte] ^= 0x80;
        EXPECT_EQ(reason(Ethernet{.source = other} / IPv4{} / TCP{}), GABION_REASON_MAC_FILTER) << byte;
    }
    // an empty slot is all zeros, which is no entry
    filter(GABION_MAC_ALLOW, {friendly});
    EXPECT_EQ(reason(Ethernet{.source = {}} / IPv4{} / TCP{}), GABION_REASON_MAC_FILTER);
}

TEST_F(MacFilter, ComesBeforeTheHeadersBehindIt) {
    filter(GABION_MAC_DENY, {numbered(1)});
    put(GABION_SET_OPERATOR, "192.0.2.1");
    EXPECT_EQ(reason(Ethernet{.source = numbered(1)} / IPv4{} / TCP{}), GABION_REASON_MAC_FILTER);
    EXPECT_EQ(reason((Ethernet{.source = numbered(1)} / IPv4{} / TCP{}).cut(30)), GABION_REASON_MAC_FILTER);
    EXPECT_EQ(reason(Ethernet{.source = friendly} / IPv4{} / TCP{}), GABION_REASON_BAN_OPERATOR);
    allow("192.0.2.7", GABION_SKIP_ALL);
    EXPECT_EQ(reason(Ethernet{.source = numbered(1)} / IPv4{.source = "192.0.2.7"} / TCP{}), GABION_REASON_MAC_FILTER)
        << "an IP address says nothing about whose frame it is";
}

}  // namespace
}  // namespace gabion::test
