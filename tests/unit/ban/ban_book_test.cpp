// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/ban_book.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/unit/ban/host_memory.h"
#include "tests/unit/ban/kernel_reader.h"

namespace gabion::ban {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t start = 1000 * second;  // boot time at which the tests begin
constexpr std::uint32_t hz = 1000;

Prefix at(const char* text) { return *Prefix::parse(text); }

Prefix address4(std::uint32_t number) {
    Prefix prefix;
    prefix.bytes = {10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                    static_cast<std::uint8_t>(number)};
    return prefix;
}

class BanBookTest : public ::testing::Test {
protected:
    static TickClock clock() { return TickClock(hz, {0xfffffff0, start}); }  // jiffies about to wrap: the hardest time

    Order order(gabion_set set, const char* target, std::uint64_t until = never_ns) {
        Order result;
        result.set = set;
        result.target = at(target);
        result.until_ns = until;
        return result;
    }
    Order quarantine(const Prefix& target, double rate = 100) {
        Order result;
        result.set = GABION_SET_QUARANTINE;
        result.target = target;
        result.reason = "heavy-source";
        result.by = "rate";
        result.rate_pps = rate;
        result.evidence = &evidence_;
        return result;
    }
    // Whether the kernel would drop the address at that time, by the tables alone.
    bool dropped(gabion_set set, const char* address, std::uint64_t now) {
        const Prefix source = at(address);
        const SetMemory& memory = memory_.set[set];
        const std::uint32_t value = source.family == Family::v4
                                        ? testing::read4(memory.exact4, host_.control().hash, source.bytes.data())
                                        : testing::read6(memory.exact6, host_.control().hash, source.bytes.data());
        return book_.clock().in_force(value, now);
    }

    testing::HostMemory host_;
    BanMemory memory_ = host_.memory();
    BookOptions options_;
    BanBook book_{memory_, clock(), options_};
    detect::Evidence evidence_{"rate", detect::Standing::unproven, 100, 5000, {{{"source_pps", 50000, 1000}}}, 1};
};

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
