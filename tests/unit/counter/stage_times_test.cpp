// SPDX-License-Identifier: Apache-2.0
#include "dataplane/counter/stage_times.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace gabion::counter {
namespace {

void take(gabion_profile& cpu, gabion_stage stage, std::uint64_t ns, std::uint32_t times = 1) {
    gabion_stage_time& time = cpu.stage[stage];
    time.packets += times;
    time.ns += ns * times;
    time.most = std::max<std::uint64_t>(time.most, ns);
    time.cell[std::min<std::uint64_t>(ns / GABION_PROFILE_CELL_NS, GABION_PROFILE_CELLS - 1)] += times;
}

class StageTimesTest : public ::testing::Test {
protected:
    std::vector<gabion_profile> cpus{2};
};

TEST_F(StageTimesTest, NothingTimedIsNothingToTell) {
    const StageTimes times = stage_times(cpus);
    EXPECT_EQ(times.packets, 0u);
    EXPECT_TRUE(times.stages.empty());
    EXPECT_EQ(times.packet_ns, 0);
    EXPECT_TRUE(stage_times({}).stages.empty());
}

TEST_F(StageTimesTest, SumsOverCpusAndTakesTheClockOff) {
    // A clock of 22 ns: its cell is 20 to 24, the median of evenly filled ones is in its middle.
    take(cpus[0], GABION_STAGE_CLOCK, 22, 50);
    take(cpus[1], GABION_STAGE_CLOCK, 22, 50);
    take(cpus[0], GABION_STAGE_BANS, 62, 50);
    take(cpus[1], GABION_STAGE_BANS, 82, 50);
    take(cpus[1], GABION_STAGE_EXIT, 42, 100);
    const StageTimes times = stage_times(cpus);
    EXPECT_EQ(times.packets, 100u);
    EXPECT_DOUBLE_EQ(times.clock_ns, 22);
    ASSERT_EQ(times.stages.size(), 2u) << "the clock is none of them, nor are stages that no packet got to";
    EXPECT_EQ(times.stages[0].name, "bans");
    EXPECT_EQ(times.stages[0].packets, 100u);
    EXPECT_DOUBLE_EQ(times.stages[0].mean_ns, 50);
    EXPECT_DOUBLE_EQ(times.stages[0].median_ns, 64 - 22);  // half of them lie below 64
    EXPECT_DOUBLE_EQ(times.stages[0].most_ns, 60);
    EXPECT_DOUBLE_EQ(times.stages[1].mean_ns, 20);
    EXPECT_DOUBLE_EQ(times.packet_ns, 70);
}

TEST_F(StageTimesTest, AStageThatFewMeetWeighsLittleInAPacket) {
    take(cpus[0], GABION_STAGE_CLOCK, 22, 1000);
    take(cpus[0], GABION_STAGE_EXIT, 32, 1000);
    take(cpus[0], GABION_STAGE_REDIRECT, 522, 10);
    const StageTimes times = stage_times(cpus);
    EXPECT_DOUBLE_EQ(times.packet_ns, 10 + 500 * 10 / 1000.0);
}

TEST_F(StageTimesTest, AnInterruptShowsInTheMeanAndTheMostAlone) {
    take(cpus[0], GABION_STAGE_CLOCK, 22, 999);
    take(cpus[0], GABION_STAGE_CLOCK, 1'000'000);
    take(cpus[0], GABION_STAGE_PARSE, 62, 999);
    take(cpus[0], GABION_STAGE_PARSE, 1'000'022);
    const StageTimes times = stage_times(cpus);
    EXPECT_NEAR(times.clock_ns, 22, 0.1);
    EXPECT_NEAR(times.stages[0].median_ns, 40, 0.2);
    EXPECT_NEAR(times.stages[0].p99_ns, 42, 0.2);
    EXPECT_NEAR(times.stages[0].mean_ns, 40 + 1000, 1);
    EXPECT_NEAR(times.stages[0].most_ns, 1'000'000, 1);
}

TEST_F(StageTimesTest, WhatIsShorterThanTheClockIsNothingAndWhatIsLongerThanTheCellsIsALeast) {
    take(cpus[0], GABION_STAGE_CLOCK, 50, 100);
    take(cpus[0], GABION_STAGE_PLAIN, 41, 100);
    take(cpus[0], GABION_STAGE_REDIRECT, 5000, 100);
    const StageTimes times = stage_times(cpus);
    EXPECT_EQ(times.stages[0].mean_ns, 0);
    EXPECT_EQ(times.stages[0].median_ns, 0);
    EXPECT_DOUBLE_EQ(times.stages[1].median_ns, GABION_PROFILE_CELL_NS * (GABION_PROFILE_CELLS - 1) - times.clock_ns);
}

TEST_F(StageTimesTest, EveryStageHasANameAndSaysWhatItIs) {
    for (int stage = GABION_STAGE_LINK; stage < GABION_STAGE_COUNT; ++stage)
        take(cpus[0], static_cast<gabion_stage>(stage), 10);
    const StageTimes times = stage_times(cpus);
    ASSERT_EQ(times.stages.size(), GABION_STAGE_COUNT - 1u);
    for (const StageCost& cost : times.stages) {
        EXPECT_FALSE(cost.what.empty()) << cost.name;
        EXPECT_EQ(std::count_if(times.stages.begin(), times.stages.end(), [&](auto& o) { return o.name == cost.name; }),
                  1);
    }
}

}  // namespace
}  // namespace gabion::counter
