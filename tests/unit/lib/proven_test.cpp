// SPDX-License-Identifier: Apache-2.0
// Proven sources: who counts, for how long, and who gives way.
#include "bpf/lib/proven.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace gabion::test {
namespace {

class Proven : public ::testing::Test {
protected:
    Proven() : lines_(16) {
        control_.connections.proven_ticks = 100;
        settings_.proven_mask = 15;
        tables_.control = &control_;
        tables_.settings = &settings_;
        tables_.proven = lines_.data();
    }

    bool proven(std::uint64_t hash, std::uint32_t now) { return gabion_proven(&tables_, hash, now) != 0; }
    void prove(std::uint64_t hash, std::uint32_t now) { gabion_prove(&tables_, hash, now); }

    // Sources that share a line: the home line is chosen by the upper half.
    static std::uint64_t neighbour(std::uint32_t i) { return 7ull << 32 | (i + 1); }

    gabion_control control_{};
    gabion_settings settings_{};
    std::vector<gabion_proven_bucket> lines_;
    gabion_tables tables_{};
};

TEST_F(Proven, ForItsTimeAndNoLonger) {
    EXPECT_FALSE(proven(42, 1000));
    prove(42, 1000);
    EXPECT_TRUE(proven(42, 1000));
    EXPECT_TRUE(proven(42, 1099));
    EXPECT_FALSE(proven(42, 1100));
    prove(42, 1099);
    EXPECT_TRUE(proven(42, 1198)) << "proved again";
    EXPECT_FALSE(proven(43, 1099)) << "another source";
}

TEST_F(Proven, NobodyWhileTheTimeIsZero) {
    prove(42, 1000);
    control_.connections.proven_ticks = 0;
    EXPECT_FALSE(proven(42, 1000));
}

TEST_F(Proven, AcrossTheWrapOfTicks) {
    prove(42, 0xffffffb0u);
    EXPECT_TRUE(proven(42, 0xffffffffu));
    EXPECT_TRUE(proven(42, 0x13u));
    EXPECT_FALSE(proven(42, 0x14u));
}

TEST_F(Proven, AnEmptyTableKnowsNobodyAtAnyTime) {
    for (const std::uint64_t hash : {0ull, 1ull, ~0ull})
        for (const std::uint32_t now : {0u, 1u, 99u, 0xffffffffu})
            EXPECT_FALSE(proven(hash, now)) << hash << " at " << now;
    prove(0, 50);
    EXPECT_TRUE(proven(0, 50)) << "a hash of 0 is a hash like any other";
}

TEST_F(Proven, TheLeastRecentlyProvenGivesWay) {
    for (std::uint32_t i = 0; i < GABION_PROVEN_PER_BUCKET; i++)
        prove(neighbour(i), 1000 + i);
    for (std::uint32_t i = 0; i < GABION_PROVEN_PER_BUCKET; i++)
        EXPECT_TRUE(proven(neighbour(i), 1010)) << i;
    prove(neighbour(0), 1010);  // it proves itself again, and is no longer the oldest
    prove(neighbour(99), 1011);
    EXPECT_TRUE(proven(neighbour(0), 1011));
    EXPECT_TRUE(proven(neighbour(99), 1011));
    EXPECT_FALSE(proven(neighbour(1), 1011));
    for (std::uint32_t i = 2; i < GABION_PROVEN_PER_BUCKET; i++)
        EXPECT_TRUE(proven(neighbour(i), 1011)) << i;
}

TEST_F(Proven, AskingWritesNothing) {
    for (std::uint32_t i = 0; i < GABION_PROVEN_PER_BUCKET; i++)
        prove(neighbour(i), 1000);
    const std::vector<gabion_proven_bucket> before = lines_;
    std::mt19937_64 random(1);
    for (int i = 0; i < 100'000; i++)
        proven(random(), 1000);
    EXPECT_EQ(memcmp(before.data(), lines_.data(), lines_.size() * sizeof(lines_[0])), 0);
}

// A full table, and every hash tried that shares its upper or its lower half with an entry, and a million others.
TEST_F(Proven, ForgedSourcesMatchNobody) {
    std::mt19937_64 random(2);
    std::vector<std::uint64_t> held;
    for (int i = 0; i < 1000; i++)
        prove(random(), 1000);
    for (const gabion_proven_bucket& line : lines_)
        for (const std::uint64_t hash : line.hash)
            held.push_back(hash);
    for (const std::uint64_t hash : held) {
        EXPECT_TRUE(proven(hash, 1000));
        for (int bit = 0; bit < 64; bit++)
            EXPECT_FALSE(proven(hash ^ 1ull << bit, 1000)) << bit;
    }
    for (int i = 0; i < 1'000'000; i++)
        ASSERT_FALSE(proven(random(), 1000));
}

}  // namespace
}  // namespace gabion::test
