// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/flood_keeper.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "bpf/lib/flood.h"

namespace gabion::daemon {
namespace {

constexpr std::uint32_t hz = 250;

// Two CPUs whose counts a test moves on, a tenth of a second at a time.
class FloodKeeperTest : public ::testing::Test {
protected:
    FloodKeeperTest() {
        settings_.kind[GABION_FLOOD_UDP] = {.trigger_pps = 0, .floor_pps = 20'000, .cap_pps = 0, .capped = true};
        settings_.kind[GABION_FLOOD_SYN] = {.trigger_pps = 0, .floor_pps = 2'000, .cap_pps = 0, .capped = true};
        keeper_.configure(settings_);
    }

    FloodTables tables() { return {control_, cells_, ports_}; }

    std::vector<FloodEvent> pass(double seconds, double udp_pps, bool calm = true) {
        std::vector<FloodEvent> events;
        for (int i = 0; i < std::lround(seconds * 10); ++i) {
            now_ns_ += 100'000'000;
            now_ticks_ += hz / 10;
            packets_ += udp_pps / 10;
            auto all = static_cast<std::uint64_t>(packets_);
            for (std::size_t cpu = 0; cpu < 2; ++cpu) {
                const std::uint64_t own = cpu == 0 ? all / 3 : all - all / 3;  // one CPU has more of it
                cpus_[cpu].lots.counted[GABION_FLOOD_UDP] = (own + GABION_CAP_LOT - 1) / GABION_CAP_LOT;
                cpus_[cpu].lot[GABION_FLOOD_UDP] =
                    static_cast<__u16>(cpus_[cpu].lots.counted[GABION_FLOOD_UDP] * GABION_CAP_LOT - own);
            }
            const std::span<const gabion_cpu> interfaces[] = {cpus_};
            for (FloodEvent& event : keeper_.tick(interfaces, now_ticks_, now_ns_, calm, tables()))
                events.push_back(std::move(event));
        }
        return events;
    }

    // What the kernel does with the packet that finds no room.
    void raise(std::uint32_t ticks) {
        ++cells_[GABION_CELL_TRIGGER + GABION_FLOOD_UDP].hits;
        gabion_flood_raise(&control_, GABION_FLOOD_UDP, now_ticks_, ticks);
    }

    static bool has(const std::vector<FloodEvent>& events, const std::string& kind) {
        for (const FloodEvent& event : events)
            if (event.kind == kind) return true;
        return false;
    }

    FloodSettings settings_;
    FloodKeeper keeper_{hz};
    gabion_control control_{};
    std::vector<gabion_cell> cells_ = std::vector<gabion_cell>(GABION_CELLS);
    std::vector<std::uint64_t> ports_ = std::vector<std::uint64_t>(GABION_PORT_RULES / GABION_RULES_PER_WORD);
    std::vector<gabion_cpu> cpus_ = std::vector<gabion_cpu>(2);
    double packets_ = 0;
    std::uint64_t now_ns_ = 1;
    std::uint32_t now_ticks_ = 1000;
};

TEST_F(FloodKeeperTest, IsOffUntilTenCalmSecondsOfTraffic) {
    pass(20, 0);
    EXPECT_EQ(keeper_.trigger_pps(GABION_FLOOD_UDP), 0) << "silence teaches nothing";
    pass(20, 50'000, false);
    EXPECT_EQ(keeper_.trigger_pps(GABION_FLOOD_UDP), 0) << "an attack teaches nothing";
    EXPECT_EQ(cells_[GABION_CELL_TRIGGER + GABION_FLOOD_UDP].interval, 0u);
    EXPECT_TRUE(has(pass(11, 10'000), "floods-learned"));
    EXPECT_NEAR(keeper_.trigger_pps(GABION_FLOOD_UDP), 80'000, 200);
    EXPECT_NEAR(keeper_.cap_pps(GABION_FLOOD_UDP), 20'000, 50);
    EXPECT_EQ(keeper_.trigger_pps(GABION_FLOOD_SYN), 2'000) << "never below the floor";
    const gabion_cell& cell = cells_[GABION_CELL_TRIGGER + GABION_FLOOD_UDP];
    EXPECT_NEAR(cell.interval, hz * 65536.0 * GABION_CAP_LOT / 80'000, 30) << "ticks * 2^16 for a lot";
    EXPECT_EQ(cells_[GABION_CELL_CAP + GABION_FLOOD_UDP].flood_only, 1u);
    EXPECT_EQ(control_.caps.whole_way, 0u);
}

// A flood that climbs by a few percent a minute, below every trigger: an hour of it may double what is normal, no more.
TEST_F(FloodKeeperTest, TheBaselineDoesNotLearnAFloodThatClimbsSlowly) {
    pass(11, 10'000);
    double pps = 10'000;
    for (int minute = 0; minute < 60; ++minute) {
        pass(60, pps);
        pps *= 1.08;
    }
    EXPECT_GT(pps, 900'000);
    EXPECT_LT(keeper_.normal_pps(GABION_FLOOD_UDP), 20'500);
}

TEST_F(FloodKeeperTest, TheBaselineNeverRisesWhileAFloodIsOn) {
    pass(11, 10'000);
    const double normal = keeper_.normal_pps(GABION_FLOOD_UDP);
    for (int i = 0; i < 600; ++i) {
        raise(5 * hz);
        pass(1, 500'000);
    }
    EXPECT_EQ(keeper_.normal_pps(GABION_FLOOD_UDP), normal);
}

TEST_F(FloodKeeperTest, AnAttackStateBeginsAndIsCleared) {
    pass(11, 10'000);
    raise(5 * hz);
    const auto began = pass(1, 500'000);
    EXPECT_TRUE(has(began, "flood-began"));
    EXPECT_FALSE(has(began, "flood-ended"));
    EXPECT_FALSE(has(pass(3, 500'000), "flood-began")) << "once";
    EXPECT_TRUE(has(pass(2, 10'000), "flood-ended"));
    EXPECT_FALSE(has(pass(20, 10'000), "flood-ended")) << "once";
}

TEST_F(FloodKeeperTest, TellsOfNewSourcesAndConnectionsOfAFlood) {
    pass(11, 10'000);
    cpus_[0].lots.new_sources = 1'000'000;  // of an earlier one
    pass(2, 10'000);
    raise(5 * hz);
    for (int i = 0; i < 30; ++i) {
        cpus_[0].lots.new_sources += 3000;
        cpus_[1].lots.new_sources += i < 20 ? 2000 : 0;
        cpus_[1].lots.connections += 4;
        pass(0.1, 10'000);
    }
    EXPECT_NEAR(keeper_.height().new_sources, 50'000, 1'000);
    EXPECT_NEAR(keeper_.height().connections, 40, 1);
    bool told = false;
    for (const FloodEvent& event : pass(4, 10'000))
        told |= event.kind == "flood-ended" && event.text.find("new sources and 40 connections") != std::string::npos;
    EXPECT_TRUE(told);
    raise(5 * hz);
    pass(2, 10'000);
    EXPECT_EQ(keeper_.height().new_sources, 0) << "another flood";
}

TEST_F(FloodKeeperTest, LetsInAsManyNewSourcesAsIsUsual) {
    const gabion_cell& cell = cells_[GABION_CELL_NEW_SOURCES];
    EXPECT_EQ(keeper_.new_sources_per_s(), 0) << "nothing is learned";
    pass(11, 3'000);
    EXPECT_EQ(keeper_.new_sources_per_s(), 5'000) << "the floor";
    pass(11, 5'000'000, false);
    EXPECT_EQ(keeper_.new_sources_per_s(), 5'000) << "an attack teaches nothing";
    pass(30 * 3600, 12'000);
    EXPECT_NEAR(keeper_.new_sources_per_s(), 12'000, 10);
    EXPECT_NEAR(cell.interval, hz * 65536.0 * GABION_CAP_LOT / 12'000, 100);
    settings_.new_sources_per_s = 800;
    keeper_.configure(settings_);
    keeper_.apply(tables());
    EXPECT_NEAR(cell.interval, hz * 65536.0 * GABION_CAP_LOT / 800, 1);
}

TEST_F(FloodKeeperTest, WhatTheOperatorSetNeedsNoLearning) {
    settings_.kind[GABION_FLOOD_UDP].trigger_pps = 100'000;
    settings_.kind[GABION_FLOOD_UDP].cap_pps = 64'000;
    settings_.ports = {{.udp = true, .port = 53, .pps = 32'000}, {.udp = false, .port = 65535, .pps = 8'000}};
    keeper_.configure(settings_);
    keeper_.apply(tables());
    EXPECT_EQ(cells_[GABION_CELL_TRIGGER + GABION_FLOOD_UDP].interval, hz * 65536 * GABION_CAP_LOT / 100'000);
    EXPECT_EQ(cells_[GABION_CELL_CAP + GABION_FLOOD_UDP].interval, hz * 65536 * GABION_CAP_LOT / 64'000);
    EXPECT_EQ(cells_[GABION_CELL_CAP + GABION_FLOOD_UDP].flood_only, 0u);
    EXPECT_EQ(cells_[GABION_CELL_PORT].interval, hz * 65536 * GABION_CAP_LOT / 32'000);
    EXPECT_EQ(ports_[(65536 + 53) / 4] >> (53 % 4 * 16) & 0xffff, 1u);
    EXPECT_EQ(ports_[65535 / 4] >> 48, 2u);
    EXPECT_EQ(control_.caps.ports, 2u);
    EXPECT_EQ(control_.caps.whole_way, 1u << GABION_FLOOD_UDP | 1u << GABION_FLOOD_TCP | 1u << GABION_FLOOD_SYN);
    keeper_.configure(FloodSettings{});
    keeper_.apply(tables());
    EXPECT_EQ(ports_, std::vector<std::uint64_t>(ports_.size())) << "and gone when taken out";
    EXPECT_EQ(control_.caps.whole_way, 0u);
}

TEST_F(FloodKeeperTest, WhatWasLearnedOutlivesARestart) {
    pass(11, 10'000);
    FloodKeeper next(hz);
    next.configure(settings_);
    next.restore(keeper_.save());
    EXPECT_NEAR(next.trigger_pps(GABION_FLOOD_UDP), 80'000, 200);
    for (const char* text : {"", "1 2", "nan 1 1 1 1", "-1 1 1 1 1", "x"}) {
        FloodKeeper none(hz);
        none.restore(text);
        EXPECT_FALSE(none.learned()) << text;
    }
}

// A second interface appears with what its counters held from before: no rate can be told from that.
TEST_F(FloodKeeperTest, AnInterfaceThatComesTeachesNoRate) {
    pass(11, 10'000);
    std::vector<gabion_cpu> other(2);
    other[0].lots.counted[GABION_FLOOD_UDP] = 1'000'000'000;
    const std::span<const gabion_cpu> both[] = {cpus_, other};
    keeper_.tick(both, now_ticks_ += 25, now_ns_ += 100'000'000, true, tables());
    keeper_.tick(both, now_ticks_ += 25, now_ns_ += 100'000'000, true, tables());
    EXPECT_NEAR(keeper_.normal_pps(GABION_FLOOD_UDP), 10'000, 50);
}

}  // namespace
}  // namespace gabion::daemon
