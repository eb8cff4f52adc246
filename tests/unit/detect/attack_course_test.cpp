// SPDX-License-Identifier: Apache-2.0
// The course of attacks: pulses, slow climbs, before anything is learned, one after another, and how they end.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/detect/attack_support.h"

namespace gabion::detect::test {
namespace {

TEST(Attack, PulsesShorterThanASecond) {
    Times times;
    for (unsigned seed = 1; seed <= kSeeds; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        add_heavy_source(run, {.start_s = kStart, .on_s = 0.1, .period_s = 1});
        run.run_until(kStart + 3);
        ASSERT_TRUE(run.first_cut(kStart).has_value());
        times.values.push_back(*run.first_cut(kStart));
        EXPECT_GT(dropped_share(run), 0.75);  // of three pulses, most of the first and both others
        expect_clients_unharmed(run);
    }
    times.report("pulses of 100 ms");
    EXPECT_LE(times.values.back(), 0.100);
}

TEST(Attack, ASlowClimbIsNotLearned) {
    Simulation run({.seed = 9});
    add_mixed_clients(run, {.count = 30});
    for (int step = 0; step < 10; ++step)
        add_heavy_source(run, {.pps = 500.0 * (1 << step) * 0.5, .start_s = kStart + step * 5.0});
    run.run_until(kStart + 60);
    const auto named = run.cutting();
    ASSERT_FALSE(named.empty());
    EXPECT_EQ(named[0].verdict.target, parse("192.0.2.0"));
    EXPECT_LT(named[0].time_s, kStart + 31);  // at 16,000 to 32,000 packets a second
    EXPECT_LT(run.analyst().calm_peak_pps(), 20'000);
}

TEST(Attack, TheStateOfAttackEnds) {
    Simulation run({.seed = 10});
    add_mixed_clients(run, {.count = 30});
    add_heavy_source(run, {.start_s = kStart, .end_s = kStart + 2});
    run.run_until(kStart + 1);
    EXPECT_TRUE(run.analyst().under_attack());
    run.run_until(kStart + 9);
    EXPECT_FALSE(run.analyst().under_attack());
    EXPECT_TRUE(run.noticed("attack-ended", kStart + 2));
    const auto before = run.decisions.size();
    run.run_until(kStart + 15);
    EXPECT_EQ(run.decisions.size(), before);
    EXPECT_LT(run.analyst().calm_peak_pps(), 5'000);  // the flood was not learned
}

// The first second: nothing is learned yet, and a flood is a flood all the same.
TEST(Attack, AFloodBeforeAnythingIsLearned) {
    for (unsigned seed = 1; seed <= kSeeds; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        add_heavy_source(run, {.pps = 500'000, .start_s = 1});
        run.run_until(2);
        const auto named = run.cutting();
        ASSERT_EQ(named.size(), 1u);
        EXPECT_EQ(named[0].verdict.target, parse("192.0.2.0"));
        EXPECT_LE(named[0].time_s, 1.2);
        EXPECT_FALSE(run.analyst().learned());
    }
}

TEST(Attack, AFewSourcesBeforeAnythingIsLearned) {
    Simulation run(with_seed(2));
    add_mixed_clients(run, {.count = 30});
    for (std::uint32_t i = 0; i < 4; ++i)
        add_heavy_source(run, {.pps = 150'000, .start_s = 1}, kBotBase + i * 0x01000300);
    run.run_until(2);
    EXPECT_EQ(run.cutting().size(), 4u);
    EXPECT_GT(dropped_share(run), 0.7);
    expect_clients_unharmed(run);
}

TEST(Attack, ADryRunIsMarked) {
    Options options = with_seed(1);
    options.settings.rate.dry_run = options.settings.entropy.dry_run = options.settings.size.dry_run = true;
    Simulation run(options);
    add_mixed_clients(run, {.count = 30});
    add_heavy_source(run, {.start_s = kStart});
    run.run_until(kStart + 3);
    ASSERT_FALSE(run.cutting().empty());
    for (const Decision& decision : run.cutting())
        EXPECT_TRUE(decision.verdict.dry_run);
    EXPECT_EQ(run.attack_dropped, 0u);
    for (const Decision& decision : run.cutting())
        EXPECT_EQ(decision.verdict.target, parse("192.0.2.0"));
}

// A busy client sets the allowance high: it comes down while the overload lasts.
TEST(Attack, BotsNoHeavierThanAClient) {
    for (const unsigned networks : {6u, 60u}) {
        Times first, all;
        for (unsigned seed = 1; seed <= kSeeds; ++seed) {
            Simulation run(with_seed(seed));
            add_mixed_clients(run, {.count = 2, .pps_each = 2000});
            add_botnet(run, {.start_s = kStart}, 300, networks);
            run.run_until(kStart + 1.5);
            const std::uint64_t before = run.attack_dropped, offered = run.attack_offered;
            run.run_until(kStart + 2.5);
            ASSERT_TRUE(run.first_cut(kStart).has_value());
            // The last two or three may go unnamed: with them the destination gets no more than 1.5 times its peak.
            EXPECT_GT(static_cast<double>(run.attack_dropped - before),
                      0.98 * static_cast<double>(run.attack_offered - offered));
            expect_clients_unharmed(run);
            first.values.push_back(*run.first_cut(kStart));
            all.values.push_back(run.cutting().back().time_s - kStart);
        }
        first.report("light bots, first");
        all.report("light bots, last");
    }
}

// What trickles out of a quarantine does not become an ordinary client, and the next round finds the bots again.
TEST(Attack, BotsDoNotBecomeKnown) {
    Simulation run(with_seed(1));
    add_mixed_clients(run, {.count = 30});
    add_botnet(run, {.pps = 50'000, .start_s = kStart, .end_s = kStart + 70}, 20, 20);
    run.run_until(kStart + 80);
    EXPECT_EQ(run.analyst().calm_sources().size(), 30u);
    EXPECT_GT(dropped_share(run), 0.98);
    expect_clients_unharmed(run);
}

// The demo's order: one after the other, with calm between.
TEST(Attack, OneAttackAfterAnother) {
    for (unsigned seed = 1; seed <= kSeeds / 2; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 12, .pps_each = 10});
        add_heavy_source(run, {.pps = 200'000, .start_s = kStart, .end_s = kStart + 4});
        add_botnet(run, {.start_s = kStart + 16, .end_s = kStart + 20}, 300, 6);
        add_spoofed_flood(run, {.pps = 200'000, .start_s = kStart + 32, .end_s = kStart + 36});
        run.run_until(kStart + 60);
        for (const double begin : {0.0, 16.0, 32.0}) {
            const auto cut = run.cutting(kStart + begin);
            ASSERT_FALSE(cut.empty());
            EXPECT_LE(cut[0].time_s - kStart - begin, 0.150) << begin;
            EXPECT_TRUE(run.noticed("attack-began", kStart + begin));
        }
        EXPECT_TRUE(run.noticed("spoofed-flood", kStart + 32));
        EXPECT_FALSE(run.analyst().under_attack());
        EXPECT_GT(dropped_share(run), 0.95);
        expect_clients_unharmed(run);
    }
}

}  // namespace
}  // namespace gabion::detect::test
