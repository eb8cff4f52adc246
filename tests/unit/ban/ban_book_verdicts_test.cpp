// SPDX-License-Identifier: Apache-2.0
// What detectors ask of the ban book: quarantines, and where they end.
#include <algorithm>

#include <gtest/gtest.h>

#include "dataplane/ban/ban_book.h"
#include "tests/unit/ban/ban_book_fixture.h"

namespace gabion::ban {
namespace {

TEST_F(BanBookTest, RepeatOffendersStayLongerAndAreForgiven) {
    const Prefix source = at("198.51.100.9");
    std::uint64_t now = start;
    std::uint32_t expected = 1;
    for (int offence = 0; offence < 7; ++offence) {
        ASSERT_EQ(book_.apply(quarantine(source), 10 * second, now), Outcome::added);
        const auto entry = book_.find(GABION_SET_QUARANTINE, source);
        EXPECT_EQ(entry->multiplier, expected);
        EXPECT_EQ(entry->until_ns, now + expected * 10 * second);
        now = entry->until_ns + second;
        book_.sweep(now);
        expected = std::min(expected * 2, 32u);
    }
    EXPECT_EQ(book_.offence_multiplier(source, now), 32u);
    EXPECT_EQ(book_.offence_multiplier(source, now + 2 * options_.forgive_ns), 8u);
    EXPECT_EQ(book_.offence_multiplier(source, now + 20 * options_.forgive_ns), 1u);
}

TEST_F(BanBookTest, AFreshVerdictExtendsAndCountsAsTheSameOffence) {
    const Prefix source = at("198.51.100.9");
    ASSERT_EQ(book_.apply(quarantine(source), 10 * second, start), Outcome::added);
    ASSERT_EQ(book_.apply(quarantine(source, 50), 10 * second, start + 5 * second), Outcome::extended);
    const auto entry = book_.find(GABION_SET_QUARANTINE, source);
    EXPECT_EQ(entry->until_ns, start + 15 * second);
    EXPECT_EQ(entry->since_ns, start);
    EXPECT_EQ(entry->multiplier, 1u);
    EXPECT_DOUBLE_EQ(entry->rate_pps, 50);
    EXPECT_TRUE(entry->has_evidence);
    EXPECT_STREQ(entry->evidence.figures[0].name, "source_pps");
    EXPECT_EQ(book_.offence_multiplier(source, start + 16 * second), 2u);
}

TEST_F(BanBookTest, LimitsStandBesideTheEntryInTicks) {
    ASSERT_EQ(book_.apply(quarantine(at("198.51.100.9"), 50), second, start), Outcome::added);
    auto narrow = quarantine(at("198.51.100.0/24"), 0);
    narrow.scope = {GABION_QUARANTINE_CELL, 17, 53, 0, 255};
    ASSERT_EQ(book_.apply(narrow, second, start), Outcome::added);
    const gabion_quarantine* one = nullptr;
    for (const auto& state : memory_.set[GABION_SET_QUARANTINE].state_exact4)
        if (state.interval != 0) one = &state;
    ASSERT_NE(one, nullptr);
    EXPECT_EQ(one->interval, 20u << 16) << "50 a second at 1,000 ticks a second";
    EXPECT_EQ(one->burst, 100u << 16) << "100 ms";
    const gabion_quarantine* other = nullptr;
    for (const auto& state : memory_.set[GABION_SET_QUARANTINE].state_prefix4)
        if (state.protocol == 17) other = &state;
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(other->interval, 0u);
    EXPECT_EQ(other->destination_port, 53u);
    EXPECT_EQ(other->flags, GABION_QUARANTINE_CELL | GABION_QUARANTINE_SPARE_KNOWN) << "prefixes spare known sources";
    EXPECT_EQ(host_.control().set[GABION_SET_QUARANTINE].length_count4, 1u);
    EXPECT_EQ(host_.control().set[GABION_SET_QUARANTINE].lengths4[0], 24u);
}

TEST_F(BanBookTest, WhatIsAllowedIsNeverCutOff) {
    ASSERT_TRUE(book_.add(order(GABION_SET_ALLOW, "198.51.100.0/25"), start));
    ASSERT_TRUE(book_.add(order(GABION_SET_ALLOW, "2001:db8::7"), start));
    EXPECT_EQ(book_.apply(quarantine(at("198.51.100.9")), second, start), Outcome::refused_allowed);
    EXPECT_EQ(book_.apply(quarantine(at("198.51.100.0/24")), second, start), Outcome::refused_allowed);
    EXPECT_EQ(book_.apply(quarantine(at("2001:db8::7")), second, start), Outcome::refused_allowed);
    EXPECT_EQ(book_.apply(quarantine(at("2001:db8::/64")), second, start), Outcome::refused_allowed);
    EXPECT_EQ(book_.apply(quarantine(at("198.51.100.200")), second, start), Outcome::added);
    EXPECT_EQ(book_.counters().refused_allowed, 4u);
}

TEST_F(BanBookTest, TheOperatorsOwnSessionIsNeverCutOffByADetector) {
    book_.on_cut_off([](const Prefix& target) { return target.contains(at("198.51.100.9")); });
    EXPECT_EQ(book_.apply(quarantine(at("198.51.100.9")), second, start), Outcome::refused_operator);
    EXPECT_EQ(book_.apply(quarantine(at("198.51.100.0/24")), second, start), Outcome::refused_operator);
    EXPECT_EQ(book_.apply(quarantine(at("198.51.100.10")), second, start), Outcome::added);
    EXPECT_TRUE(book_.add(order(GABION_SET_OPERATOR, "198.51.100.9"), start)) << "a person may";
    EXPECT_EQ(book_.counters().refused_operator, 2u);
}

TEST_F(BanBookTest, DetectorsCutOffOnlySoMany) {
    options_.blast_addresses = 300;
    options_.blast_window_ns = 16 * second;
    BanBook book(memory_, clock(), options_);
    EXPECT_EQ(book.apply(quarantine(at("198.51.100.0/24")), second, start), Outcome::added);
    for (std::uint32_t i = 0; i < 44; ++i)
        EXPECT_EQ(book.apply(quarantine(address4(i)), second, start), Outcome::added);
    EXPECT_EQ(book.apply(quarantine(address4(44)), second, start), Outcome::refused_radius);
    EXPECT_EQ(book.apply(quarantine(address4(43)), second, start), Outcome::extended) << "is cut off already";
    auto forged = quarantine(address4(45));
    forged.scope.flags = GABION_QUARANTINE_HOPS;
    EXPECT_EQ(book.apply(forged, second, start), Outcome::added) << "cuts off nobody";
    EXPECT_EQ(book.offence_multiplier(address4(45), start), 1u) << "nor is it an offence";
    EXPECT_EQ(book.apply(quarantine(address4(46)), second, start + 18 * second), Outcome::added);
    EXPECT_EQ(book.counters().refused_radius, 1u);
}

TEST_F(BanBookTest, ADetectorFloodEvictsItsOwnAndNeverAnOperatorsBan) {
    options_.blast_addresses = 1'000'000;
    options_.limits[GABION_SET_QUARANTINE].exact4 = 500;
    options_.limits[GABION_SET_OPERATOR].exact4 = 500;
    BanBook book(memory_, clock(), options_);
    for (std::uint32_t i = 0; i < 500; ++i) {
        Order ban;
        ban.target = address4(i);
        ASSERT_TRUE(book.add(ban, start));
    }
    Order more;
    more.target = address4(777);
    const auto refused = book.add(more, start);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text.find("500"), std::string::npos) << refused.error().text;
    EXPECT_NE(refused.error().text.find("[bans] capacity"), std::string::npos) << refused.error().text;
    for (std::uint32_t i = 0; i < 20000; ++i)
        ASSERT_EQ(book.apply(quarantine(address4(100000 + i)), 600 * second, start + i), Outcome::added) << i;
    EXPECT_EQ(book.size(GABION_SET_QUARANTINE), 500u);
    EXPECT_EQ(book.counters().evicted, 19500u);
    EXPECT_TRUE(book.find(GABION_SET_QUARANTINE, address4(100000 + 19999)));
    EXPECT_TRUE(book.find(GABION_SET_QUARANTINE, address4(100000 + 19500)));
    EXPECT_FALSE(book.find(GABION_SET_QUARANTINE, address4(100000 + 19499))) << "the oldest went first";
    for (std::uint32_t i = 0; i < 500; ++i) {
        const Prefix banned = address4(i);
        EXPECT_NE(testing::read4(memory_.set[GABION_SET_OPERATOR].exact4, host_.control().hash, banned.bytes.data()),
                  0u);
    }
}

}  // namespace
}  // namespace gabion::ban
