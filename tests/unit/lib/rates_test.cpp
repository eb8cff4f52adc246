// SPDX-License-Identifier: Apache-2.0
// Token bucket, GCRA, random numbers, expiry and prefix keys.
#include <array>
#include <cstring>

#include <gtest/gtest.h>

#include "bpf/lib/bucket.h"
#include "bpf/lib/random.h"
#include "bpf/lib/table.h"
#include "dataplane/core/address.h"

namespace gabion::test {
namespace {

TEST(Bucket, RefillsToItsDepth) {
    EXPECT_EQ(gabion_refilled(0, 3 * GABION_TOKEN, 10 * GABION_TOKEN, 2), 6 * GABION_TOKEN);
    EXPECT_EQ(gabion_refilled(0, 3 * GABION_TOKEN, 10 * GABION_TOKEN, 4), 10 * GABION_TOKEN);
    EXPECT_EQ(gabion_refilled(5, 1, 10, 0xffffffffu), 10u) << "a rest of weeks";
    EXPECT_EQ(gabion_refilled(0, 1ull << 40, 1ull << 60, 0xffff), 0xffffull << 40) << "no overflow at absurd rates";
}

TEST(Gcra, KeepsAnyRate) {
    for (const std::uint32_t interval : {1u << 10, 1u << 16, 5u << 16, 1000u << 16}) {
        for (const std::uint32_t start : {0u, 1u, 0x7fffffffu, 0xffffff00u}) {
            __u64 schedule = 0;
            std::uint64_t passed = 0;
            const std::uint32_t ticks = 2000;
            for (std::uint32_t tick = 0; tick < ticks; tick++)
                for (int i = 0; i < 100; i++)
                    passed += gabion_gcra(&schedule, interval, interval, start + tick);
            const double expected = std::min(100.0 * ticks, ticks * 65536.0 / interval);
            EXPECT_NEAR(static_cast<double>(passed), expected, 3.0 + expected * 0.02) << interval << " from " << start;
        }
    }
}

TEST(Gcra, IntervalZeroPassesNothing) {
    __u64 schedule = 0;
    EXPECT_FALSE(gabion_gcra(&schedule, 0, 1u << 31, 5));
}

TEST(Random, IsUniformEnough) {
    __u32 state = 0;
    std::array<unsigned, 16> counts{};
    for (int i = 0; i < 160'000; i++)
        counts[gabion_random(&state) >> 28]++;
    for (const unsigned count : counts)
        EXPECT_NEAR(count, 10'000, 500);
}

TEST(Expiry, EndsOnItsTick) {
    for (const std::uint32_t now : {1u, 1000u, 0x80000000u, 0xfffffffeu}) {
        EXPECT_TRUE(gabion_in_force(GABION_FOREVER, now));
        if (now + 1 != GABION_FOREVER) {
            EXPECT_TRUE(gabion_in_force(now + 1, now));
        }
        if (now != GABION_FOREVER) {
            EXPECT_FALSE(gabion_in_force(now, now));
        }
        EXPECT_FALSE(gabion_in_force(now - 1, now));
        EXPECT_TRUE(gabion_in_force(now + GABION_EXPIRY_AHEAD_MAX, now));
        EXPECT_FALSE(gabion_in_force(now + GABION_EXPIRY_AHEAD_MAX + 1, now));
    }
}

// The keys that user space writes are those that the kernel looks for.
TEST(PrefixKey, IsTheSameOnBothSides) {
    const Prefix four = *Prefix::parse("185.90.165.195"),
                 six = *Prefix::parse("2a01:9f5a:a55a:c33c:f00f:8001:1234:5679");
    for (unsigned length = 1; length < 32; length++) {
        __u32 word = 0;
        std::memcpy(&word, four.bytes.data(), sizeof(word));
        EXPECT_EQ(gabion_prefix_key4(word, length), four.shortened(length).key4()) << length;
    }
    for (unsigned length = 1; length < 128; length++) {
        std::array<__u32, 4> words{}, key{};
        std::memcpy(words.data(), six.bytes.data(), sizeof(words));
        gabion_prefix_key6(words.data(), length, key.data());
        EXPECT_EQ(key, six.shortened(length).key6()) << length;
    }
}

}  // namespace
}  // namespace gabion::test
