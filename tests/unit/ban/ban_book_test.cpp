// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/ban_book.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/unit/ban/ban_book_fixture.h"

namespace gabion::ban {
namespace {

TEST_F(BanBookTest, ABanIsInForceUntilItsTimeAndNotATickEarlier) {
    ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "192.0.2.1", start + 5 * second), start));
    EXPECT_TRUE(dropped(GABION_SET_OPERATOR, "192.0.2.1", start));
    EXPECT_TRUE(dropped(GABION_SET_OPERATOR, "192.0.2.1", start + 5 * second - 1));
    EXPECT_FALSE(dropped(GABION_SET_OPERATOR, "192.0.2.1", start + 5 * second + 1'000'000));
    EXPECT_EQ(book_.size(GABION_SET_OPERATOR), 1u);
    EXPECT_EQ(book_.sweep(start + 5 * second - 1), 0u);
    EXPECT_EQ(book_.sweep(start + 5 * second), 1u);
    EXPECT_EQ(book_.size(GABION_SET_OPERATOR), 0u);
    EXPECT_EQ(host_.control().set[GABION_SET_OPERATOR].exact4, 0u);
    ASSERT_EQ(book_.history(at("192.0.2.1")).size(), 1u);
    EXPECT_STREQ(book_.history(at("192.0.2.1"))[0].how, "expired");
}

TEST_F(BanBookTest, AddingAgainReplacesTheTime) {
    ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "2001:db8::1", start + 5 * second), start));
    auto longer = order(GABION_SET_OPERATOR, "2001:db8::1");
    longer.note = "for good";
    EXPECT_EQ(*book_.add(longer, start + second), Outcome::extended);
    EXPECT_TRUE(dropped(GABION_SET_OPERATOR, "2001:db8::1", start + 1000 * second));
    EXPECT_EQ(book_.sweep(start + 1000 * second), 0u);
    const auto entry = book_.find(GABION_SET_OPERATOR, at("2001:db8::1"));
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->note, "for good");
    EXPECT_EQ(entry->until_ns, never_ns);
    EXPECT_EQ(entry->since_ns, start);
    EXPECT_TRUE(book_.remove(GABION_SET_OPERATOR, at("2001:db8::1"), start));
    EXPECT_FALSE(book_.remove(GABION_SET_OPERATOR, at("2001:db8::1"), start));
    EXPECT_FALSE(dropped(GABION_SET_OPERATOR, "2001:db8::1", start));
}

TEST_F(BanBookTest, ABanThatEndedIsANewOneWhenAddedBeforeTheSweep) {
    ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "192.0.2.1", start + second), start));
    EXPECT_FALSE(book_.remove(GABION_SET_OPERATOR, at("192.0.2.7"), start));
    EXPECT_EQ(*book_.add(order(GABION_SET_OPERATOR, "192.0.2.1"), start + 2 * second), Outcome::added);
    EXPECT_EQ(book_.find(GABION_SET_OPERATOR, at("192.0.2.1"))->since_ns, start + 2 * second);
}

TEST_F(BanBookTest, TimesTooLongForTheKernelAreStillKept) {
    const std::uint64_t month = 30ull * 86400 * second;
    ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "192.0.2.1", start + month), start));
    const auto value = [&] {
        return testing::read4(memory_.set[GABION_SET_OPERATOR].exact4, host_.control().hash, "\xc0\x00\x02\x01");
    };
    EXPECT_EQ(value(), GABION_FOREVER);
    book_.sweep(start + month - 86400 * second);
    EXPECT_NE(value(), GABION_FOREVER) << "the kernel ends it to the tick";
    EXPECT_TRUE(dropped(GABION_SET_OPERATOR, "192.0.2.1", start + month - 1));
    EXPECT_FALSE(dropped(GABION_SET_OPERATOR, "192.0.2.1", start + month + 1'000'000));
    EXPECT_EQ(book_.sweep(start + month), 1u);
}

TEST_F(BanBookTest, AfterASuspendExpiriesFollowBootTime) {
    ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "192.0.2.1", start + 100 * second), start));
    // 50 s of suspend: boot time went on, jiffies did not
    book_.resample({0xfffffff0ull + 10 * hz, start + 60 * second}, start + 60 * second);
    EXPECT_TRUE(dropped(GABION_SET_OPERATOR, "192.0.2.1", start + 100 * second - 1));
    EXPECT_FALSE(dropped(GABION_SET_OPERATOR, "192.0.2.1", start + 100 * second + 1'000'000));
}

TEST_F(BanBookTest, PagesShowEachEntryOnceWhileOthersComeAndGo) {
    for (std::uint32_t i = 0; i < 1000; ++i) {
        Order ban;
        ban.target = address4(i);
        ASSERT_TRUE(book_.add(ban, start));
    }
    std::multiset<std::string> seen;
    BanBook::Cursor cursor = 0;
    std::uint32_t page = 0;
    do {
        cursor = book_.list(GABION_SET_OPERATOR, cursor, 37, start,
                            [&](const Entry& entry) { seen.insert(entry.target.text()); });
        ASSERT_TRUE(book_.remove(GABION_SET_OPERATOR, address4(900 + page), start));  // not there to the end
        Order ban;
        ban.target = address4(5000 + page++);
        ASSERT_TRUE(book_.add(ban, start));
    } while (cursor != 0);
    for (std::uint32_t i = 0; i < 900; ++i)
        EXPECT_EQ(seen.count(address4(i).text()), 1u) << i;
}

TEST_F(BanBookTest, EverythingThatCoversAnAddressIsTold) {
    ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "198.51.100.0/24"), start));
    ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "198.51.0.0/16"), start));
    ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "198.51.101.0/24"), start));
    ASSERT_EQ(book_.apply(quarantine(at("198.51.100.9")), second, start), Outcome::added);
    ASSERT_TRUE(book_.add(order(GABION_SET_ALLOW, "198.0.0.0/8"), start));
    const auto entries = book_.covering(at("198.51.100.9"), start);
    std::multiset<std::string> told;
    for (const Entry& entry : entries)
        told.insert(std::string(name_of(entry.set)) + " " + entry.target.text());
    const std::multiset<std::string> expected{"allow 198.0.0.0/8", "operator 198.51.0.0/16", "operator 198.51.100.0/24",
                                              "quarantine 198.51.100.9"};
    EXPECT_EQ(told, expected);
    EXPECT_EQ(book_.covering(at("198.51.100.9"), start + 2 * second).size(), 3u) << "the quarantine has ended";
    EXPECT_TRUE(book_.covering(at("203.0.113.1"), start).empty());
}

TEST_F(BanBookTest, AllowListBloomNeverSaysNoToAnEntry) {
    for (std::uint32_t i = 0; i < 500; ++i) {
        Order allow;
        allow.set = GABION_SET_ALLOW;
        allow.target = address4(i);
        ASSERT_TRUE(book_.add(allow, start));
    }
    AllowBloom bloom(&host_.control(), memory_.allow_bloom);
    const std::uint32_t generation = host_.control().allow_bloom;
    for (std::uint32_t i = 100; i < 500; ++i)
        ASSERT_TRUE(book_.remove(GABION_SET_ALLOW, address4(i), start));
    book_.sweep(start);
    EXPECT_NE(host_.control().allow_bloom, generation);
    unsigned maybe = 0;
    for (std::uint32_t i = 0; i < 100; ++i)
        EXPECT_TRUE(bloom.maybe(address4(i)));
    for (std::uint32_t i = 100; i < 500; ++i)
        maybe += bloom.maybe(address4(i));
    EXPECT_LT(maybe, 20u) << "what was removed is out of the filter";
}

TEST_F(BanBookTest, ConfiguredAllowEntriesAreReplacedAsAWhole) {
    ASSERT_TRUE(book_.add(order(GABION_SET_ALLOW, "192.0.2.9"), start));
    const std::vector<Prefix> first{at("192.0.2.1"), at("192.0.2.2"), at("192.0.2.9")};
    const std::vector<Prefix> second_list{at("192.0.2.2"), at("2001:db8::/32")};
    ASSERT_TRUE(book_.replace_config_allow(first, start));
    EXPECT_EQ(book_.size(GABION_SET_ALLOW), 3u);
    ASSERT_TRUE(book_.replace_config_allow(second_list, start));
    EXPECT_FALSE(book_.find(GABION_SET_ALLOW, at("192.0.2.1")));
    EXPECT_TRUE(book_.find(GABION_SET_ALLOW, at("192.0.2.2")));
    EXPECT_TRUE(book_.find(GABION_SET_ALLOW, at("2001:db8::/32")));
    EXPECT_TRUE(book_.find(GABION_SET_ALLOW, at("192.0.2.9"))) << "added by a person";
}

TEST_F(BanBookTest, AnAllowEntryOfAPersonOutlivesAKillThatCameBeforeTheStateFile) {
    ASSERT_TRUE(book_.replace_config_allow(std::vector{at("192.0.2.1"), at("192.0.2.0/25")}, start));
    ASSERT_TRUE(book_.add(order(GABION_SET_ALLOW, "192.0.2.9"), start));
    ASSERT_TRUE(book_.add(order(GABION_SET_ALLOW, "2001:db8::/48"), start));
    ASSERT_TRUE(book_.add(order(GABION_SET_ALLOW, "192.0.2.0/25"), start)) << "by a person, too";
    BanBook next(memory_, clock(), options_);
    next.recover(start + second);
    ASSERT_TRUE(next.replace_config_allow({}, start + second));
    EXPECT_FALSE(next.find(GABION_SET_ALLOW, at("192.0.2.1"))) << "left the configuration";
    for (const char* kept : {"192.0.2.9", "2001:db8::/48", "192.0.2.0/25"})
        EXPECT_TRUE(next.find(GABION_SET_ALLOW, at(kept))) << kept;
}

TEST_F(BanBookTest, AtARestartThePinnedEntriesAreTakenOver) {
    ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "192.0.2.1"), start));
    ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "198.51.100.0/22", start + 100 * second), start));
    ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "192.0.2.3", start + second), start));
    ASSERT_EQ(book_.apply(quarantine(at("2001:db8::/48"), 25), 50 * second, start), Outcome::added);
    BanBook next(memory_, clock(), options_);
    const AuditReport report = next.recover(start + 10 * second);
    EXPECT_EQ(report.duplicates + report.misplaced + report.counters_corrected, 0u);
    EXPECT_EQ(next.size(GABION_SET_OPERATOR), 2u) << "what ended meanwhile is gone";
    const auto prefix = next.find(GABION_SET_OPERATOR, at("198.51.100.0/22"));
    ASSERT_TRUE(prefix);
    EXPECT_EQ(prefix->until_ns, start + 100 * second);
    EXPECT_STREQ(prefix->reason, "recovered");
    const auto held = next.find(GABION_SET_QUARANTINE, at("2001:db8::/48"));
    ASSERT_TRUE(held);
    EXPECT_EQ(held->until_ns, start + 50 * second);
    EXPECT_NEAR(held->rate_pps, 25, 0.1);
    EXPECT_EQ(next.sweep(start + 200 * second), 2u);
    EXPECT_TRUE(next.find(GABION_SET_OPERATOR, at("192.0.2.1")));
}

TEST_F(BanBookTest, WidePrefixesNeedForce) {
    EXPECT_FALSE(check_width(at("0.0.0.0/0"), false));
    EXPECT_FALSE(check_width(at("::/0"), false));
    EXPECT_FALSE(check_width(at("10.0.0.0/7"), false));
    EXPECT_TRUE(check_width(at("10.0.0.0/8"), false));
    EXPECT_TRUE(check_width(at("0.0.0.0/0"), true));
    EXPECT_TRUE(check_width(at("2001::/16"), false));
    ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "0.0.0.0/0"), start));
    EXPECT_EQ(book_.covering(at("203.0.113.1"), start).size(), 1u);
}

}  // namespace
}  // namespace gabion::ban
