// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/panic_keeper.h"

#include <vector>

#include <gtest/gtest.h>

namespace gabion::daemon {
namespace {

constexpr std::uint32_t hz = 250;

// Two CPUs of one interface whose traffic a test moves on, second by second.
class PanicKeeperTest : public ::testing::Test {
protected:
    std::vector<PanicEvent> second(double pps0, double pps1 = 0, bool calm = true) {
        now_ns_ += 1'000'000'000;
        now_ticks_ += hz;
        const double pps[] = {pps0, pps1};
        for (int i = 0; i < 2; ++i) {
            cpus_[i].received.packets += static_cast<__u64>(pps[i]);
            cpus_[i].reason[GABION_REASON_CLEAN].packets += static_cast<__u64>(pps[i]);
        }
        const std::span<const gabion_cpu> interfaces[] = {cpus_};
        return keeper_.tick(interfaces, now_ticks_, now_ns_, calm, control_);
    }

    void trip(int cpu) {
        ++cpus_[cpu].breaker.trips;
        cpus_[cpu].breaker.tripped = 1;
        cpus_[cpu].breaker.tripped_at = now_ticks_ + hz;
    }

    static bool has(const std::vector<PanicEvent>& events, const std::string& kind) {
        for (const PanicEvent& event : events) {
            if (event.kind == kind) return true;
        }
        return false;
    }

    PanicKeeper keeper_{hz};
    gabion_panic_control control_{};
    std::vector<gabion_cpu> cpus_ = std::vector<gabion_cpu>(2);
    std::uint64_t now_ns_ = 1;
    std::uint32_t now_ticks_ = 1000;
};

TEST_F(PanicKeeperTest, LearnsFromTenCalmSecondsOfTrafficOnly) {
    for (int i = 0; i < 30; ++i)
        second(0);
    EXPECT_EQ(keeper_.rate_pps(), 0u);
    for (int i = 0; i < 30; ++i)
        second(5e6, 0, false);
    EXPECT_EQ(keeper_.rate_pps(), 0u) << "an attack teaches nothing";
    second(500e3);
    bool learned = false;
    for (int i = 0; i < 10; ++i)
        learned |= has(second(500e3), "breaker-learned");
    EXPECT_TRUE(learned);
    EXPECT_EQ(keeper_.rate_pps(), 2'000'000u);
}

TEST_F(PanicKeeperTest, NeverLearnsLessThanAMillion) {
    for (int i = 0; i < 12; ++i)
        second(100);
    EXPECT_EQ(keeper_.rate_pps(), 1'000'000u);
    EXPECT_EQ(control_.rate, 1'000'000ull * 65536 / hz);
    EXPECT_EQ(control_.depth, 100'000ull * 65536);
}

TEST_F(PanicKeeperTest, ASlowClimbIsFollowedSlowly) {
    for (int i = 0; i < 12; ++i)
        second(500e3);
    const double before = keeper_.learned_peak_pps();
    for (int i = 0; i < 60; ++i)
        second(1.9e6);
    EXPECT_LT(keeper_.learned_peak_pps(), before * 1.07);
}

TEST_F(PanicKeeperTest, DropsCostNothingAndTeachNothing) {
    second(1);
    for (int i = 0; i < 12; ++i) {
        cpus_[0].received.packets += 9'000'000;
        cpus_[0].reason[GABION_REASON_BAN_OPERATOR].packets += 9'000'000;
        second(100);
    }
    EXPECT_EQ(keeper_.rate_pps(), 1'000'000u);
}

TEST_F(PanicKeeperTest, TripAndRecoveryAreToldOnce) {
    keeper_.configure({.mode = GABION_PANIC_AUTO, .rate_pps = 1000, .drop_ratio = 0.5});
    second(10);
    trip(0);
    EXPECT_TRUE(has(second(10), "breaker-tripped"));
    EXPECT_TRUE(keeper_.tripped());
    const auto next = second(10);
    EXPECT_TRUE(has(next, "breaker-recovered"));
    EXPECT_FALSE(has(second(10), "breaker-recovered"));
    EXPECT_EQ(control_.drop_threshold, 0x80000000u);
}

TEST_F(PanicKeeperTest, SeveralCpusAtOnceAreLoweredAndRestored) {
    keeper_.configure({.mode = GABION_PANIC_AUTO, .rate_pps = 1'000'000, .drop_ratio = 0.8});
    second(10);
    trip(0);
    trip(1);
    EXPECT_TRUE(has(second(10), "breaker-coordinated"));
    EXPECT_EQ(keeper_.rate_pps(), 500'000u);
    bool restored = false;
    for (int i = 0; i < 7; ++i)
        restored |= has(second(10), "breaker-uncoordinated");
    EXPECT_TRUE(restored);
    EXPECT_EQ(keeper_.rate_pps(), 1'000'000u);
}

TEST_F(PanicKeeperTest, RatioOneStillFitsTheThreshold) {
    keeper_.configure({.mode = GABION_PANIC_ON, .rate_pps = 1, .drop_ratio = 1.0});
    second(1);
    EXPECT_EQ(control_.drop_threshold, 0xffffffffu);
    EXPECT_EQ(control_.trips_below, ~0ull);
}

}  // namespace
}  // namespace gabion::daemon
