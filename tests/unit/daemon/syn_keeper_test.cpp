// SPDX-License-Identifier: Apache-2.0
// The way in which SYN floods are met, the rates that the programs are told, and what is said of it.
#include "control/daemon/syn_keeper.h"

#include <array>

#include <gtest/gtest.h>

namespace gabion::daemon {
namespace {

constexpr std::uint32_t hz = 250;
constexpr double tick = 65536;
const SynObstacles no_means = {.request = "wan0: no means", .listener = "no helper", .answers = "", .lost = ""};
const SynObstacles old_kernel = {.request = "wan0: no means", .listener = "", .answers = "", .lost = ""};

class SynKeeperTest : public ::testing::Test {
protected:
    double engage_pps() const { return control_.engage_interval == 0 ? 0 : hz * tick / control_.engage_interval; }
    double cap_pps() const { return hz * tick / control_.cap_interval; }

    SynKeeper keeper_{hz};
    config::SynConfig config_;
    gabion_syn_control control_{};
};

TEST_F(SynKeeperTest, AnObstacleLeavesTheCapAndIsToldOnce) {
    EXPECT_TRUE(keeper_.choose(config_, no_means, 1500, control_));
    EXPECT_FALSE(keeper_.choose(config_, no_means, 1500, control_));
    EXPECT_FALSE(keeper_.cookies());
    EXPECT_EQ(control_.way, GABION_SYN_CAP);
    EXPECT_NE(keeper_.note().find("wan0: no means"), std::string::npos) << keeper_.note();
    EXPECT_TRUE(keeper_.choose(config_, {}, 1500, control_));
}

TEST_F(SynKeeperTest, OurOwnCookiesComeFirstThenTheListenersThenTheCap) {
    struct Case {
        const char* way;
        SynObstacles obstacles;
        gabion_syn_way chosen;
        const char* told;
    };
    const SynObstacles veth = {.request = "", .listener = "", .answers = "wan0: a veth", .lost = ""};
    const SynObstacles lost = {
        .request = "", .listener = "", .answers = "wan0: a veth", .lost = "wan0: nothing gets out"};
    const SynObstacles held = {.request = "", .listener = "cannot be written", .answers = "", .lost = ""};
    const SynObstacles forwards = {.nobody = "nobody listens here"};
    for (const Case& one :
         {Case{"auto", {}, GABION_SYN_REQUEST, "our own cookies"},
          Case{"auto", old_kernel, GABION_SYN_LISTENER, "wan0: no means"},
          Case{"auto", old_kernel, GABION_SYN_LISTENER, "lack window scale, SACK, timestamps and ECN"},
          Case{"auto", no_means, GABION_SYN_CAP, "no helper; wan0: no means"},
          Case{"auto", veth, GABION_SYN_CAP, "wan0: a veth"},
          Case{"cookies", veth, GABION_SYN_REQUEST, "our own cookies"},
          Case{"cookies", lost, GABION_SYN_CAP, "wan0: nothing gets out"},
          Case{"listener", lost, GABION_SYN_CAP, "wan0: nothing gets out"},
          Case{"cookies", old_kernel, GABION_SYN_LISTENER, "wan0: no means"},
          Case{"listener", {}, GABION_SYN_LISTENER, "the configuration asks for them"},
          Case{"listener", veth, GABION_SYN_LISTENER, "the configuration asks for them"},
          Case{"listener", held, GABION_SYN_CAP, "cannot be written"},
          Case{"auto", forwards, GABION_SYN_CAP, "nobody listens here"},
          Case{"cookies", forwards, GABION_SYN_CAP, "nobody listens here"},
          Case{"cap", {}, GABION_SYN_CAP, "asks for the cap"}, Case{"off", {}, GABION_SYN_CAP, "switched off"}}) {
        config_.way = one.way;
        keeper_.choose(config_, one.obstacles, 1500, control_);
        EXPECT_EQ(control_.way, one.chosen) << one.way << ": " << keeper_.note();
        EXPECT_NE(keeper_.note().find(one.told), std::string::npos) << one.way << ": " << keeper_.note();
        EXPECT_EQ(keeper_.cookies(), one.chosen != GABION_SYN_CAP);
    }
}

TEST_F(SynKeeperTest, ListenersCookiesWaitForWhatIsNormalWhereThatIsKnown) {
    keeper_.choose(config_, old_kernel, 1500, control_);
    keeper_.configure(config_, 0, 0, control_);
    EXPECT_NEAR(engage_pps(), 2000, 1) << "nothing is learned: they take options away, but cut nobody off";
    keeper_.configure(config_, 80'000, 20'000, control_);
    EXPECT_NEAR(engage_pps(), 80'000, 400);
    EXPECT_NEAR(cap_pps(), 20'000, 100);
}

TEST_F(SynKeeperTest, WhoCannotBeAnsweredIsCappedAboveWhatIsNormal) {
    const auto heavy_pps = [this] { return hz * tick / control_.heavy_interval; };
    keeper_.choose(config_, {}, 1500, control_);
    keeper_.configure(config_, 0, 0, control_);
    EXPECT_NEAR(heavy_pps(), 20'000, 100) << "nothing is learned";
    keeper_.configure(config_, 80'000, 20'000, control_);
    EXPECT_NEAR(engage_pps(), 2000, 1);
    EXPECT_NEAR(heavy_pps(), 80'000, 400);
    EXPECT_NEAR(cap_pps(), 20'000, 100);
    config_.way = "cap";
    keeper_.choose(config_, {}, 1500, control_);
    keeper_.configure(config_, 80'000, 20'000, control_);
    EXPECT_EQ(control_.heavy_interval, 0u) << "at once, where the operator asked for the cap";
}

TEST_F(SynKeeperTest, ListenersAreNeededWhileAPortIsEngagedAndNoOtherWayServes) {
    std::array<gabion_syn_cell, 1> cells{};
    cells[0].until = 1100;
    keeper_.choose(config_, old_kernel, 1500, control_);
    EXPECT_FALSE(keeper_.needs_listeners());
    keeper_.look(cells, 1000);
    EXPECT_TRUE(keeper_.needs_listeners());
    keeper_.choose(config_, {}, 1500, control_);
    EXPECT_FALSE(keeper_.needs_listeners());
    keeper_.choose(config_, old_kernel, 1500, control_);
    keeper_.look(cells, 1101);
    EXPECT_FALSE(keeper_.needs_listeners());
}

TEST_F(SynKeeperTest, AnswersTellTheMssOfTheSmallestInterface) {
    keeper_.choose(config_, {}, 1500, control_);
    EXPECT_EQ(control_.mss4, 1460);
    EXPECT_EQ(control_.mss6, 1440);
    keeper_.choose(config_, {}, 100, control_);
    EXPECT_EQ(control_.mss4, 536) << "less no IP has to carry";
    EXPECT_EQ(control_.mss6, 1220);
}

TEST_F(SynKeeperTest, ACapWaitsForWhatIsNormalAndIsNeverBelow) {
    keeper_.choose(config_, no_means, 1500, control_);
    keeper_.configure(config_, 0, 0, control_);
    EXPECT_EQ(engage_pps(), 0) << "nothing is learned";
    keeper_.configure(config_, 80'000, 20'000, control_);
    EXPECT_NEAR(engage_pps(), 80'000, 400);
    EXPECT_NEAR(cap_pps(), 20'000, 100);
    keeper_.configure(config_, 800, 200, control_);
    EXPECT_NEAR(engage_pps(), 2000, 1);
    EXPECT_NEAR(cap_pps(), 500, 1);
    config_.way = "cap";
    keeper_.choose(config_, {}, 1500, control_);
    keeper_.configure(config_, 0, 0, control_);
    EXPECT_NEAR(engage_pps(), 2000, 1) << "an operator asked for it";
}

TEST_F(SynKeeperTest, TheKeyIsMadeOnceAndCookiesLastAMinute) {
    keeper_.configure(config_, 0, 0, control_);
    const std::array<__u64, 2> key = {control_.key[0], control_.key[1]};
    EXPECT_TRUE(key[0] != 0 || key[1] != 0);
    keeper_.configure(config_, 0, 0, control_);
    EXPECT_EQ(control_.key[0], key[0]);
    EXPECT_EQ(control_.key[1], key[1]);
    EXPECT_EQ(1u << control_.slot_shift, 8192u) << "the power of two nearest to 32 s";
}

TEST_F(SynKeeperTest, FloodsAreToldWithTheirPort) {
    std::array<gabion_syn_cell, 4> cells{};
    EXPECT_TRUE(keeper_.look(cells, 1000).empty());
    cells[2].until = 1100;
    cells[2].version = 4;
    cells[2].address[0] = 0x0100007f;
    cells[2].port = 80;
    auto told = keeper_.look(cells, 1000);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].kind, "syn-flood-began");
    EXPECT_TRUE(told[0].text.starts_with("127.0.0.1:80")) << told[0].text;
    EXPECT_TRUE(keeper_.look(cells, 1050).empty());
    told = keeper_.look(cells, 1101);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].kind, "syn-flood-ended");
    EXPECT_TRUE(keeper_.look(cells, 1200).empty());
}

}  // namespace
}  // namespace gabion::daemon
