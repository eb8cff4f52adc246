// SPDX-License-Identifier: Apache-2.0
// The course of attacks: pulses, slow climbs, before anything is learned, one after another, and how they end.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/detect/attack_support.h"

namespace gabion::detect::test {
namespace {

TEST(Attack, PulsesShorterThanASecond) {
    Times times;
    for (unsigned seed = 1; seed <= seed_count; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        add_heavy_source(run, {.start_s = attack_start, .on_s = 0.1, .period_s = 1});
        run.run_until(attack_start + 3);
        ASSERT_TRUE(run.first_cut(attack_start).has_value());
        times.values.push_back(*run.first_cut(attack_start));
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
        add_heavy_source(run, {.pps = 500.0 * (1 << step) * 0.5, .start_s = attack_start + step * 5.0});
    run.run_until(attack_start + 60);
    const auto named = run.cutting();
    ASSERT_FALSE(named.empty());
    EXPECT_EQ(named[0].verdict.target, parse("192.0.2.0"));
    EXPECT_LT(named[0].time_s, attack_start + 31);  // at 16,000 to 32,000 packets a second
    EXPECT_LT(run.analyst().calm_peak_pps(), 20'000);
}

TEST(Attack, TheStateOfAttackEnds) {
    Simulation run({.seed = 10});
    add_mixed_clients(run, {.count = 30});
    add_heavy_source(run, {.start_s = attack_start, .end_s = attack_start + 2});
    run.run_until(attack_start + 1);
    EXPECT_TRUE(run.analyst().under_attack());
    run.run_until(attack_start + 9);
    EXPECT_FALSE(run.analyst().under_attack());
    EXPECT_TRUE(run.noticed("attack-ended", attack_start + 2));
    const auto before = run.decisions.size();
    run.run_until(attack_start + 15);
    EXPECT_EQ(run.decisions.size(), before);
    EXPECT_LT(run.analyst().calm_peak_pps(), 5'000);  // the flood was not learned
}

// The first second: nothing is learned yet, and a flood is a flood all the same.
TEST(Attack, AFloodBeforeAnythingIsLearned) {
    for (unsigned seed = 1; seed <= seed_count; ++seed) {
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
        add_heavy_source(run, {.pps = 150'000, .start_s = 1}, bot_base + i * 0x01000300);
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
    add_heavy_source(run, {.start_s = attack_start});
    run.run_until(attack_start + 3);
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
        for (unsigned seed = 1; seed <= seed_count; ++seed) {
            Simulation run(with_seed(seed));
            add_mixed_clients(run, {.count = 2, .pps_each = 2000});
            add_botnet(run, {.start_s = attack_start}, 300, networks);
            run.run_until(attack_start + 1.5);
            const std::uint64_t before = run.attack_dropped, offered = run.attack_offered;
            run.run_until(attack_start + 2.5);
            ASSERT_TRUE(run.first_cut(attack_start).has_value());
            // The last two or three may go unnamed: with them the destination gets no more than 1.5 times its peak.
            EXPECT_GT(static_cast<double>(run.attack_dropped - before),
                      0.98 * static_cast<double>(run.attack_offered - offered));
            expect_clients_unharmed(run);
            first.values.push_back(*run.first_cut(attack_start));
            all.values.push_back(run.cutting().back().time_s - attack_start);
        }
        first.report("light bots, first");
        all.report("light bots, last");
    }
}

// What trickles out of a quarantine does not become an ordinary client, and the next round finds the bots again.
TEST(Attack, BotsDoNotBecomeKnown) {
    Simulation run(with_seed(1));
    add_mixed_clients(run, {.count = 30});
    add_botnet(run, {.pps = 50'000, .start_s = attack_start, .end_s = attack_start + 70}, 20, 20);
    run.run_until(attack_start + 80);
    EXPECT_EQ(run.analyst().calm_sources().size(), 30u);
    EXPECT_GT(dropped_share(run), 0.98);
    expect_clients_unharmed(run);
}

// The demo's order: one after the other, with calm between.
TEST(Attack, OneAttackAfterAnother) {
    for (unsigned seed = 1; seed <= seed_count / 2; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 12, .pps_each = 10});
        add_heavy_source(run, {.pps = 200'000, .start_s = attack_start, .end_s = attack_start + 4});
        add_botnet(run, {.start_s = attack_start + 16, .end_s = attack_start + 20}, 300, 6);
        add_spoofed_flood(run, {.pps = 200'000, .start_s = attack_start + 32, .end_s = attack_start + 36});
        run.run_until(attack_start + 60);
        for (const double begin : {0.0, 16.0, 32.0}) {
            const auto cut = run.cutting(attack_start + begin);
            ASSERT_FALSE(cut.empty());
            EXPECT_LE(cut[0].time_s - attack_start - begin, 0.150) << begin;
            EXPECT_TRUE(run.noticed("attack-began", attack_start + begin));
        }
        EXPECT_TRUE(run.noticed("spoofed-flood", attack_start + 32));
        EXPECT_FALSE(run.analyst().under_attack());
        EXPECT_GT(dropped_share(run), 0.95);
        expect_clients_unharmed(run);
    }
}

}  // namespace
}  // namespace gabion::detect::test
