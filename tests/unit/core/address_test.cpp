// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/address.h"

#include <cstring>
#include <string>

#include <gtest/gtest.h>

namespace gabion {
namespace {

TEST(Address, TextGoesThereAndBack) {
    for (const char* text : {"192.0.2.1", "0.0.0.0/0", "192.0.2.0/24", "10.0.0.0/7", "2001:db8::1", "::/0",
                             "2001:db8::/32", "2001:db8::8000:0/97"}) {
        const auto prefix = Prefix::parse(text);
        ASSERT_TRUE(prefix) << prefix.error().text;
        EXPECT_EQ(prefix->text(), text);
    }
    EXPECT_EQ(Prefix::parse("192.0.2.1/32")->text(), "192.0.2.1");
    EXPECT_EQ(Prefix::parse("2001:DB8:0:0::1/128")->text(), "2001:db8::1");
}

TEST(Address, WhatIsNoneIsRefusedWithWhatIsAllowed) {
    const std::string nul("192.0.2.1\0x", 11);
    for (const std::string& text :
         {std::string(), std::string("192.0.2"), std::string("192.0.2.256"), std::string("192.0.2.1/33"),
          std::string("192.0.2.1/"), std::string("192.0.2.1/24"), std::string("2001:db8::1/32"),
          std::string("2001:db8::/129"), std::string("fe80::1%eth0"), std::string("::ffff:192.0.2.1"),
          std::string(" 192.0.2.1"), std::string("192.0.2.1/0x8"), std::string("192.0.2.1/-1"), nul}) {
        const auto prefix = Prefix::parse(text);
        ASSERT_FALSE(prefix) << text;
        EXPECT_NE(prefix.error().text.find("allowed"), std::string::npos) << prefix.error().text;
    }
    EXPECT_NE(Prefix::parse("192.0.2.1/24").error().text.find("192.0.2.0/24"), std::string::npos);
}

TEST(Address, ContainsByBitsNotBytes) {
    const auto seven = *Prefix::parse("10.0.0.0/7");
    EXPECT_TRUE(seven.contains(*Prefix::parse("11.255.0.1")));
    EXPECT_FALSE(seven.contains(*Prefix::parse("12.0.0.0")));
    EXPECT_FALSE(seven.contains(*Prefix::parse("0.0.0.0/0")));
    EXPECT_FALSE(seven.contains(*Prefix::parse("2001:db8::1")));
    EXPECT_EQ(Prefix::parse("11.2.3.4")->shortened(7), seven);
    EXPECT_EQ(Prefix::parse("2001:db8:ffff::1")->shortened(33).text(), "2001:db8:8000::/33");
}

// A prefix's key is its bits, a one, zeros, as the bytes lie in a packet.
TEST(Address, KeysAreTheBytesOfThePacket) {
    const auto bytes4 = [](const char* text) {
        const std::uint32_t key = Prefix::parse(text)->key4();
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), &key, 4);
        return bytes;
    };
    EXPECT_EQ(bytes4("192.0.2.1"), (std::array<std::uint8_t, 4>{192, 0, 2, 1}));
    EXPECT_EQ(bytes4("192.0.2.0/24"), (std::array<std::uint8_t, 4>{192, 0, 2, 0x80}));
    EXPECT_EQ(bytes4("0.0.0.0/0"), (std::array<std::uint8_t, 4>{0x80, 0, 0, 0}));
    EXPECT_EQ(bytes4("10.0.0.0/31"), (std::array<std::uint8_t, 4>{10, 0, 0, 1}));
    const auto key = Prefix::parse("2001:db8::/33")->key6();
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), key.data(), 16);
    EXPECT_EQ(bytes, (std::array<std::uint8_t, 16>{0x20, 1, 0x0d, 0xb8, 0x40}));
}

}  // namespace
}  // namespace gabion
