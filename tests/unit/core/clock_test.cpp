// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/clock.h"

#include <gtest/gtest.h>

#include "bpf/abi/table.h"

namespace gabion {
namespace {

TEST(TickClock, AnEntryEndsAtMostATickLateAndNeverEarly) {
    for (const std::uint32_t hz : {100u, 250u, 300u, 1000u}) {
        const TickClock clock(hz, {0xffffff00u, 5'000'000'000});  // the low 32 bits wrap after 256 ticks
        const std::uint64_t now = 5'000'123'456;
        for (std::uint64_t duration = 1; duration < 4'000'000'000; duration += 7'654'321) {
            const std::uint32_t expiry = clock.expiry_at(now + duration, now);
            ASSERT_NE(expiry, 0u);
            ASSERT_NE(expiry, GABION_FOREVER);
            ASSERT_TRUE(clock.in_force(expiry, now));
            ASSERT_TRUE(clock.in_force(expiry, now + duration - 1));
            // one tick, and two more where the expiry had to step over the two values that mean something else
            ASSERT_FALSE(clock.in_force(expiry, now + duration + 3 * clock.tick_ns())) << hz << " " << duration;
            if (expiry > 2) {
                ASSERT_FALSE(clock.in_force(expiry, now + duration + clock.tick_ns())) << hz << " " << duration;
            }
        }
    }
}

TEST(TickClock, WhatTheKernelCannotTellIsForEver) {
    const TickClock clock(1000, {77, 1'000'000'000});
    const std::uint64_t now = 2'000'000'000;
    const std::uint64_t longest = std::uint64_t{GABION_EXPIRY_AHEAD_MAX} * 1'000'000;
    EXPECT_EQ(clock.expiry_at(never_ns, now), GABION_FOREVER);
    EXPECT_EQ(clock.expiry_at(now + longest, now), GABION_FOREVER);
    const std::uint32_t expiry = clock.expiry_at(now + longest - 10'000'000, now);
    EXPECT_NE(expiry, GABION_FOREVER);
    EXPECT_TRUE(clock.in_force(expiry, now));
    EXPECT_FALSE(clock.in_force(clock.expiry_at(now - 5'000'000, now), now)) << "a deadline that has passed";
}

TEST(TickClock, ExpiriesTurnBackIntoBootTime) {
    const TickClock clock(250, {0xfffffffff0, 1'000'000'000});
    const std::uint64_t now = 9'000'000'000;
    for (const std::uint64_t ahead : {4'000'000u, 1'000'000'000u, 4'000'000'000u})
        EXPECT_EQ(clock.boot_ns_of(clock.expiry_at(now + ahead, now), now), now + ahead);
}

TEST(TickClock, ResamplingTellsOfASuspend) {
    TickClock clock(1000, {1000, 1'000'000'000});
    EXPECT_LE(clock.resample({2000, 2'000'400'000}), 1u);
    EXPECT_EQ(clock.resample({3000, 63'000'400'000}), 60'000u);
    EXPECT_EQ(clock.tick_at(64'000'400'000), 4000u);
}

TEST(Clocks, TheKernelsTickIsAUsualOne) {
    const std::uint32_t hz = kernel_hz();
    EXPECT_TRUE(hz == 100 || hz == 250 || hz == 300 || hz == 1000) << hz;
    const TickSample sample = at_tick_edge(5);
    const std::uint64_t now = boot_now_ns();
    EXPECT_LE(sample.boot_ns, now);
    EXPECT_LT(now - sample.boot_ns, 1'000'000'000u);
    EXPECT_GT(wall_now_ns(), 0);
}

}  // namespace
}  // namespace gabion
