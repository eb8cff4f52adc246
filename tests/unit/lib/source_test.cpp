// SPDX-License-Identifier: Apache-2.0
// Rates, scores and places of single sources, with the kernel's own functions.
#include "bpf/lib/source.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace gabion::test {
namespace {

constexpr std::uint32_t hz = 250;
constexpr std::uint32_t udp = 1u << GABION_RATE_PACKETS | 1u << GABION_RATE_BYTES | 1u << GABION_RATE_UDP;

gabion_source_limits limits() {
    const double rates[GABION_RATE_COUNT] = {850, 8.9e6, 680, 425, 85, 170};
    gabion_source_limits result{};
    for (int i = 0; i < GABION_RATE_COUNT; i++)
        result.cost[i] = static_cast<__u64>(hz * 4294967296.0 / rates[i]);
    result.depth = (hz / 5) << GABION_LEVEL_SHIFT;  // 200 ms
    return result;
}

// Packets of `bytes` that pass when `pps` are offered for `seconds`.
int passed(gabion_source& source, std::uint32_t rates, double pps, double seconds, std::uint32_t bytes,
           std::uint32_t& now) {
    const gabion_source_limits all = limits();
    int through = 0;
    double due = 0;
    for (const std::uint32_t end = now + static_cast<std::uint32_t>(seconds * hz); now != end; now++) {
        gabion_source_drain(&source, now, 0);
        for (due += pps / hz; due >= 1; due--)
            through += gabion_source_take(&source, &all, rates, bytes) == 0;
    }
    return through;
}

TEST(SourceRates, HoldJustBelowAndJustAbove) {
    struct Case {
        std::uint32_t rates;
        std::uint32_t bytes;
        double limit;
    };
    for (const std::uint32_t start : {1000u, 0xffffff00u}) {  // across the wrap of ticks
        for (const auto& [rates, bytes, limit] : {Case{1u << GABION_RATE_PACKETS, 60, 850},
                                                  {udp, 60, 425},
                                                  {1u << GABION_RATE_BYTES, 10'000, 890},
                                                  {1u << GABION_RATE_PACKETS | 1u << GABION_RATE_TCP, 60, 680},
                                                  {1u << GABION_RATE_ICMP, 60, 85},
                                                  {1u << GABION_RATE_TCP | 1u << GABION_RATE_SYN, 60, 170}}) {
            std::uint32_t now = start;
            gabion_source source{};
            gabion_source_begin(&source, 1, now);
            EXPECT_NEAR(passed(source, rates, limit * 0.99, 10, bytes, now), limit * 9.9, 2);
            EXPECT_NEAR(passed(source, rates, limit * 5, 10, bytes, now), limit * 10, limit * 0.21);
        }
    }
}

// The short way that most packets take must come to what the long one does.
TEST(SourceRates, TheShortWayTakesTheSame) {
    std::mt19937 generator(1);
    const auto random = [&] { return static_cast<std::uint32_t>(generator()); };
    constexpr std::uint32_t levels[] = {0, 1, 49u << GABION_LEVEL_SHIFT, 50u << GABION_LEVEL_SHIFT, 0xffffffffu};
    constexpr std::uint32_t both[] = {GABION_RATES_OF_ALL | 1u << GABION_RATE_TCP, udp};
    int refused = 0;
    for (int turn = 0; turn < 100'000; turn++) {
        gabion_source_limits some = limits();
        gabion_source one{};
        for (int i = 0; i < GABION_RATE_COUNT; i++) {
            one.level[i] = levels[random() % std::size(levels)] + random() % 2 * (random() >> 6);
            if (random() % 4 == 0) some.cost[i] = random() % 2 * ~0ull >> 8;
        }
        gabion_source other = one;
        const std::uint32_t rates = both[turn % 2], bytes = random() % 2000;
        const std::uint32_t above = gabion_source_take(&one, &some, rates, bytes);
        ASSERT_EQ(above, gabion_source_take_each(&other, &some, rates, bytes)) << turn;
        ASSERT_TRUE(std::equal(one.level, one.level + GABION_RATE_COUNT, other.level)) << turn;
        refused += above != 0;
    }
    EXPECT_NEAR(refused, 50'000, 45'000) << "both happen";
}

// No window has an edge: whatever a source does, no second holds more than a second's worth and the bucket.
TEST(SourceRates, NoSecondHoldsTwiceTheRate) {
    std::uint32_t now = 1000;
    gabion_source source{};
    gabion_source_begin(&source, 1, now);
    EXPECT_LE(passed(source, udp, 100'000, 1, 60, now), 425 * 1.21);
    now += 10 * hz;
    EXPECT_LE(passed(source, udp, 100'000, 0.1, 60, now) + passed(source, udp, 100'000, 0.1, 60, now), 425 * 0.41);
}

// Ten windows of a second in which a source offers so many times what it may send. Returns the offences by which it could be banned.
int offences(double factor, bool gives_way) {
    const gabion_source_limits all = limits();
    std::uint32_t now = 1000;
    double rate = 680 * factor;
    double due = 0;
    int found = 0;
    gabion_source source{};
    gabion_source_begin(&source, 1, now);
    for (const std::uint32_t end = now + 10 * hz; now != end; now++) {
        gabion_source_drain(&source, now, 0);
        for (due += rate / hz; due >= 1; due--) {
            found += gabion_source_count(&source, now, hz) != 0;
            const std::uint32_t above =
                gabion_source_take(&source, &all, 1u << GABION_RATE_PACKETS | 1u << GABION_RATE_TCP, 1500);
            source.above = static_cast<__u16>(source.above | above);
            source.dropped += above != 0;
            if (above != 0 && gives_way) rate = 340;
        }
        if (gives_way) rate += 680.0 / hz;  // as a TCP does, up to the next loss
    }
    return found;
}

TEST(SourceRates, BeingHeldIsNoOffenceGoingOnIs) {
    EXPECT_EQ(offences(0.99, false), 0);
    EXPECT_EQ(offences(1.5, false), 0) << "a third is lost";
    EXPECT_EQ(offences(1, true), 0) << "goes up to its rate, loses, slows down";
    EXPECT_GE(offences(2.2, false), 8);
    EXPECT_GE(offences(50, false), 8);
}

TEST(SourceRates, HandshakesAreCountedNotDropped) {
    gabion_source_limits all{};
    all.depth = hz << GABION_LEVEL_SHIFT;
    all.cost[GABION_RATE_CONNECTIONS] = static_cast<__u64>(hz * 4294967296.0 / 10);
    std::uint32_t now = 1000;
    gabion_source source{};
    gabion_source_begin(&source, 1, now);
    std::uint32_t found = 0;
    for (int i = 0; i < 200; i++, now += hz / 20) {  // twenty a second
        gabion_source_drain(&source, now, 0);
        found |= gabion_source_count(&source, now, hz);
        source.above =
            static_cast<__u16>(source.above | gabion_source_take(&source, &all, 1u << GABION_RATE_CONNECTIONS, 0));
    }
    EXPECT_EQ(found, 1u << GABION_RATE_CONNECTIONS);
}

TEST(SourceRates, ScoresAddUpAndDecay) {
    const std::uint32_t points[GABION_RATE_COUNT] = {20 << 16, 20 << 16, 15 << 16, 0, 0, 0, 30 << 16};
    const std::uint32_t both = 1u << GABION_RATE_PACKETS | 1u << GABION_RATE_TCP;
    std::uint32_t now = 1000;
    gabion_source source{};
    gabion_source_begin(&source, 1, now);
    EXPECT_FALSE(gabion_source_score(&source, both, points, 100 << 16));
    EXPECT_EQ(source.score >> 16, 35u);
    EXPECT_FALSE(gabion_source_score(&source, both, points, 100 << 16));
    EXPECT_TRUE(gabion_source_score(&source, both, points, 100 << 16)) << "three windows of 35";
    EXPECT_FALSE(gabion_source_score(&source, both, points, 0)) << "no threshold";
    source.score = 105 << 16;
    gabion_source_drain(&source, now + 2 * hz, (10 << 16) / hz);
    EXPECT_NEAR(source.score >> 16, 85, 1) << "ten points a second";
    gabion_source_drain(&source, now + 100 * hz, (10 << 16) / hz);
    EXPECT_EQ(source.score, 0u);
}

// A packet in its set, as the stage counts it: whether its source was not there, and the place that it has now.
bool enters(gabion_source_set& set, std::uint64_t hash, std::uint32_t now, std::uint32_t period, std::uint32_t& place) {
    gabion_source_age(&set, now, period);
    place = gabion_source_own(&set, hash);
    const bool fresh = place == GABION_SOURCE_FRESH;
    if (fresh) place = gabion_source_least(&set);
    gabion_source_settle(&set, hash, place);
    return fresh;
}

// 400,000 forged sources a second, none of them twice, and one that sends 1,000 packets a second: it stays and is held to its rate.
TEST(SourceTable, ASourceMaturesAmidNewcomers) {
    constexpr std::uint32_t sets = 8192;
    std::vector<gabion_source_set> index(sets);
    std::vector<gabion_source> sources(sets * GABION_SOURCES_PER_SET);
    const gabion_source_limits all = limits();
    std::mt19937_64 random(1);
    const std::uint64_t ours = random();
    int fresh_after_first_second = 0, through = 0;
    std::uint32_t now = 1000;
    const auto packet = [&](std::uint64_t hash, bool& fresh) -> std::uint32_t {
        const std::uint32_t set = static_cast<std::uint32_t>(hash >> 32) & (sets - 1);
        std::uint32_t place = 0;
        fresh = enters(index[set], hash, now, hz, place);
        if (fresh) return 0;
        gabion_source& source = sources[set * GABION_SOURCES_PER_SET + place];
        if (source.check != gabion_source_check(hash)) gabion_source_begin(&source, hash, now);
        gabion_source_drain(&source, now, 0);
        return gabion_source_take(&source, &all, udp, 60);
    };
    for (std::uint32_t tick = 0; tick < 5 * hz; tick++, now++) {
        for (int i = 0; i < 1600; i++) {
            bool fresh = false;
            packet(random(), fresh);
            if (i % 400 != 0) continue;
            const bool passes = packet(ours, fresh) == 0;
            if (tick >= hz) {
                fresh_after_first_second += static_cast<int>(fresh);
                through += passes;
            }
        }
    }
    EXPECT_EQ(fresh_after_first_second, 0) << "never evicted once it has matured";
    EXPECT_NEAR(through, 4 * 425, 100) << "held to its rate";
}

bool fresh(gabion_source_set& set, std::uint64_t source, std::uint32_t now, std::uint32_t period = 100'000) {
    std::uint32_t place = 0;
    return enters(set, source << 8, now, period, place);
}

// Eight heavy sources hold their set; a ninth gets in all the same and the eight lose one place, no more.
TEST(SourceTable, NewcomersTakeThePlaceOfTheLeast) {
    gabion_source_set set{};
    constexpr std::uint32_t now = 1000;
    for (std::uint64_t source = 1; source <= 8; source++)
        for (std::uint64_t i = 0; i < 100 * source; i++)
            EXPECT_EQ(fresh(set, source, now), i == 0);
    for (std::uint64_t newcomer = 100; newcomer < 190; newcomer++)
        EXPECT_TRUE(fresh(set, newcomer, now));
    for (std::uint64_t source = 2; source <= 8; source++)
        EXPECT_FALSE(fresh(set, source, now)) << source;
    EXPECT_TRUE(fresh(set, 1, now));
}

TEST(SourceTable, WhatWasHeavyOnceGivesWay) {
    gabion_source_set set{};
    std::uint32_t now = 1000;
    for (int i = 0; i < 70'000; i++)
        fresh(set, 1, now, hz);
    EXPECT_EQ(set.count[0], GABION_COUNT_MAX);
    for (int i = 0; i < 20; i++, now += hz)
        fresh(set, 2, now, hz);
    EXPECT_LT(set.count[0], 5);
    now += 4 * hz;
    fresh(set, 3, now, hz);
    EXPECT_LE(set.count[0], 1);
}

}  // namespace
}  // namespace gabion::test
