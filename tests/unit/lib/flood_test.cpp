// SPDX-License-Identifier: Apache-2.0
// Whether a flood is on, across the wrap of ticks.
#include "bpf/lib/flood.h"

#include <gtest/gtest.h>

namespace gabion::test {
namespace {

TEST(Flood, NoneIsOnUntilOneIsRaised) {
    const gabion_control control{};
    for (const std::uint32_t now : {0u, 1u, 0x7fffffffu, 0xbfffffffu, 0xc0000001u, 0xffffffffu}) {
        EXPECT_FALSE(gabion_flood_any(&control, now)) << now;
        EXPECT_FALSE(gabion_flood_of(&control, GABION_FLOOD_SYN, now)) << now;
    }
}

TEST(Flood, LastsForItsTicksAndIsOfItsKind) {
    for (const std::uint32_t start : {0u, 1000u, 0xffffffffu - 100, 0xffffffffu - 50}) {
        gabion_control control{};
        gabion_flood_raise(&control, GABION_FLOOD_UDP, start, 100);
        EXPECT_TRUE(gabion_flood_of(&control, GABION_FLOOD_UDP, start));
        EXPECT_TRUE(gabion_flood_of(&control, GABION_FLOOD_UDP, start + 99));
        EXPECT_TRUE(gabion_flood_any(&control, start + 99));
        EXPECT_FALSE(gabion_flood_of(&control, GABION_FLOOD_SYN, start));
        EXPECT_FALSE(gabion_flood_any(&control, start + 101)) << start;
    }
}

TEST(Flood, TheLongestOfThemDecidesWhetherAnyIsOn) {
    gabion_control control{};
    gabion_flood_raise(&control, GABION_FLOOD_TCP, 1000, 500);
    gabion_flood_raise(&control, GABION_FLOOD_ICMP, 1000, 10);
    EXPECT_TRUE(gabion_flood_any(&control, 1400));
    EXPECT_FALSE(gabion_flood_of(&control, GABION_FLOOD_ICMP, 1400));
}

}  // namespace
}  // namespace gabion::test
