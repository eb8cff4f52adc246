// SPDX-License-Identifier: Apache-2.0
// What is called plain, the parser finds sound and not odd; and the usual packets are called plain.
#include "bpf/lib/plain.h"

#include <random>

#include <gtest/gtest.h>

#include "bpf/lib/parse.h"
#include "tests/support/packet.h"

namespace gabion::test {
namespace {

bool plain(const Bytes& frame) {
    const auto* begin = reinterpret_cast<const __u8*>(frame.data());
    const __u8* end = begin + frame.size();
    gabion_link link;
    if (gabion_parse_link(begin, end, &link) != GABION_REASON_NONE) return false;
    const auto left = static_cast<std::uint32_t>(end - link.at);
    if (link.type == GABION_ETHERTYPE_IPV4) {
        const auto* ip = reinterpret_cast<const gabion_wire_ipv4*>(link.at);
        return left >= sizeof *ip && gabion_ipv4_sound(ip, left) && gabion_plain4(ip, end);
    }
    const auto* ip = reinterpret_cast<const gabion_wire_ipv6*>(link.at);
    return left >= sizeof *ip && gabion_ipv6_sound(ip, left) && gabion_plain6(ip, end);
}

std::vector<Bytes> usual() {
    const Ethernet eth{};
    return {(eth / IPv4{} / TCP{}).padded(),
            (eth / IPv4{} / TCP{.flags = 0x18} / Payload{300}).bytes(),
            (eth / IPv4{} / TCP{.flags = 0x02, .option_bytes = 20}).bytes(),
            (eth / IPv4{} / UDP{} / Payload{100}).bytes(),
            (eth / Vlan{} / IPv4{} / UDP{}).padded(),
            (eth / IPv6{} / TCP{.flags = 0x11}).bytes(),
            (eth / IPv6{} / UDP{} / Payload{1}).bytes()};
}

TEST(Plain, IsWhatIsUsual) {
    for (const Bytes& frame : usual())
        EXPECT_TRUE(plain(frame));
    const Ethernet eth{};
    for (const Bytes& frame :
         {(eth / IPv4{.fragment = 0x2000} / UDP{}).padded(), (eth / IPv4{.option_bytes = 4} / UDP{}).padded(),
          (eth / IPv4{} / TCP{.flags = 0x03}).padded(), (eth / IPv4{} / ICMP{}).padded()})
        EXPECT_FALSE(plain(frame));
}

TEST(Plain, IsNothingThatTheParserObjectsTo) {
    std::mt19937 random(3);
    const std::vector<Bytes> frames = usual();
    std::size_t seen = 0, others = 0;
    for (int i = 0; i < 400'000; i++) {
        Bytes frame = frames[random() % frames.size()];
        for (unsigned count = 1 + static_cast<unsigned>(random() % 2); count > 0; count--)
            frame[12 + random() % std::min<std::size_t>(frame.size() - 12, 70)] = std::byte(random() & 0xff);
        if (random() % 8 == 0) frame.resize(14 + random() % (frame.size() - 13));
        if (!plain(frame)) {
            others++;
            continue;
        }
        seen++;
        const auto* begin = reinterpret_cast<const __u8*>(frame.data());
        gabion_packet packet;
        const auto length = static_cast<std::uint32_t>(frame.size());
        ASSERT_EQ(gabion_parse(begin, begin + frame.size(), length, &packet), GABION_REASON_NONE) << "frame " << i;
        ASSERT_FALSE(packet.flags & (GABION_PACKET_ODD | GABION_PACKET_FRAGMENT)) << "frame " << i;
        ASSERT_TRUE(packet.flags & GABION_PACKET_L4) << "frame " << i;
    }
    EXPECT_GT(seen, 50'000u);
    EXPECT_GT(others, 50'000u);
}

}  // namespace
}  // namespace gabion::test
