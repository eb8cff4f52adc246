// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/verdict_writer.h"

#include <gtest/gtest.h>

#include "tests/unit/ban/host_memory.h"
#include "tests/unit/ban/kernel_reader.h"

namespace gabion::ban {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t start = 1000 * second;

Prefix at(const char* text) { return *Prefix::parse(text); }

class VerdictWriterTest : public ::testing::Test {
protected:
    static detect::Verdict verdict(detect::VerdictKind kind, const char* target) {
        detect::Verdict result;
        result.kind = kind;
        result.target = at(target);
        result.reason = "heavy-source";
        result.duration = std::chrono::seconds(10);
        result.rate_pps = 100;
        result.evidence.detector = "rate";
        return result;
    }
    // The destination's entry as the kernel finds it, or nullptr.
    const gabion_destination* kernel_sees(const std::array<std::uint8_t, 16>& key) {
        if (host_.control().destinations == 0) return nullptr;
        const std::uint32_t value = testing::read6(memory_.dest_table, host_.control().hash, key.data());
        return value == 0 ? nullptr : &memory_.destinations[value - 1];
    }

    testing::HostMemory host_;
    BanMemory memory_ = host_.memory();
    BanBook book_{memory_, TickClock(1000, {1000, start})};
    DestinationTable destinations_{memory_};
    std::vector<Outcome> told_;
    VerdictWriter writer_{book_, destinations_,
                          [this](const detect::Verdict&, Outcome outcome) { told_.push_back(outcome); }};
    const std::array<std::uint8_t, 16> mapped_{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 80};
};

TEST_F(VerdictWriterTest, QuarantinesAndWatchesReachTheirSets) {
    const std::vector<detect::Verdict> batch{verdict(detect::VerdictKind::quarantine, "198.51.100.1"),
                                             verdict(detect::VerdictKind::watch, "2001:db8::/64"),
                                             verdict(detect::VerdictKind::quarantine, "198.51.100.1")};
    EXPECT_EQ(writer_.apply(batch, start), 3u);
    EXPECT_EQ(told_, (std::vector<Outcome>{Outcome::added, Outcome::added, Outcome::extended}));
    const auto entry = book_.find(GABION_SET_QUARANTINE, at("198.51.100.1"));
    ASSERT_TRUE(entry);
    EXPECT_STREQ(entry->by, "rate");
    EXPECT_EQ(entry->until_ns, start + 10 * second);
    EXPECT_TRUE(book_.find(GABION_SET_WATCH, at("2001:db8::/64")));
    EXPECT_EQ(writer_.report().verdicts, 3u);
    EXPECT_EQ(writer_.report().outcome[0], 2u);
}

TEST_F(VerdictWriterTest, ABanTakesProof) {
    auto ban = verdict(detect::VerdictKind::ban, "198.51.100.1");
    std::vector<detect::Verdict> batch{ban, ban};
    batch[1].evidence.standing = detect::Standing::consistent;
    EXPECT_EQ(writer_.apply(batch, start), 0u);
    EXPECT_EQ(told_, (std::vector<Outcome>{Outcome::refused_unproven, Outcome::refused_unproven}));
    EXPECT_FALSE(book_.find(GABION_SET_DETECTOR, at("198.51.100.1")));
    batch[1].evidence.standing = detect::Standing::proven;
    EXPECT_EQ(writer_.apply(batch, start), 1u);
    EXPECT_TRUE(book_.find(GABION_SET_DETECTOR, at("198.51.100.1")));
}

TEST_F(VerdictWriterTest, ADryRunWritesAllTheSame) {
    host_.control().dry_run = 1;
    const std::vector<detect::Verdict> batch{verdict(detect::VerdictKind::quarantine, "198.51.100.1")};
    writer_.apply(batch, start);
    EXPECT_NE(testing::read4(memory_.set[GABION_SET_QUARANTINE].exact4, host_.control().hash,
                             at("198.51.100.1").bytes.data()),
              0u);
}

TEST_F(VerdictWriterTest, CapAndPostureOfOneDestinationEndEachInItsTime) {
    auto cap = verdict(detect::VerdictKind::cap, "192.0.2.80");
    cap.rate_pps = 64000;
    auto posture = verdict(detect::VerdictKind::raise_posture, "192.0.2.80");
    posture.one_in = 4;
    posture.duration = std::chrono::seconds(30);
    const std::vector<detect::Verdict> batch{cap, posture};
    EXPECT_EQ(writer_.apply(batch, start), 2u);
    EXPECT_EQ(host_.control().destinations, 1u);
    const gabion_destination* entry = kernel_sees(mapped_);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->cap_interval, 32768u) << "a lot of 32 at 64,000 a second: half a tick";
    EXPECT_EQ(entry->one_in, 4u);
    EXPECT_EQ(entry->expires, 1000u + 30000);
    EXPECT_EQ(destinations_.sweep(book_.clock(), start + 10 * second), 0u);
    EXPECT_EQ(kernel_sees(mapped_)->cap_interval, 0u);
    EXPECT_EQ(kernel_sees(mapped_)->one_in, 4u);
    EXPECT_EQ(destinations_.sweep(book_.clock(), start + 30 * second), 1u);
    EXPECT_EQ(kernel_sees(mapped_), nullptr);
    EXPECT_EQ(host_.control().destinations, 0u);
}

TEST_F(VerdictWriterTest, TheDestinationThatEndsFirstGivesWay) {
    for (unsigned i = 0; i < GABION_DESTINATIONS_MAX + 10; ++i) {
        auto cap = verdict(detect::VerdictKind::cap, "192.0.2.0");
        cap.target.bytes[3] = static_cast<std::uint8_t>(i);
        cap.duration = std::chrono::seconds(100 + i);
        EXPECT_EQ(writer_.apply(std::span(&cap, 1), start), 1u) << i;
    }
    EXPECT_EQ(destinations_.list().size(), static_cast<std::size_t>(GABION_DESTINATIONS_MAX));
    EXPECT_FALSE(destinations_.find(at("192.0.2.9")));
    EXPECT_TRUE(destinations_.find(at("192.0.2.10")));
    EXPECT_EQ(host_.control().destinations, GABION_DESTINATIONS_MAX);
    destinations_.clear();
    EXPECT_EQ(host_.control().destinations, 0u);
    EXPECT_TRUE(destinations_.list().empty());
    auto again = verdict(detect::VerdictKind::cap, "192.0.2.80");
    EXPECT_EQ(writer_.apply(std::span(&again, 1), start), 1u);
    EXPECT_NE(kernel_sees(mapped_), nullptr);
}

TEST_F(VerdictWriterTest, WhatMakesNoSenseIsRefused) {
    auto no_rate = verdict(detect::VerdictKind::cap, "192.0.2.80");
    no_rate.rate_pps = 0;
    auto net = verdict(detect::VerdictKind::cap, "192.0.2.0/24");
    const std::vector<detect::Verdict> batch{net};
    EXPECT_EQ(writer_.apply(batch, start), 0u);
    EXPECT_EQ(writer_.apply(std::span(&no_rate, 1), start), 0u);
    EXPECT_EQ(kernel_sees(mapped_), nullptr);
    EXPECT_TRUE(destinations_.list().empty());
}

}  // namespace
}  // namespace gabion::ban
