// SPDX-License-Identifier: Apache-2.0
// The detectors fire: on whom, how soon, and what is cut off beside it. Each case runs with several seeds and slot phases.
#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

#include "bpf/abi/quarantine.h"
#include "tests/unit/detect/traffic.h"

namespace gabion::detect::test {
namespace {

double kStart = 12;  // of the attacks: after ten seconds of calm, at another phase of the slots for each seed
const unsigned kSeeds = std::getenv("GABION_LONG") != nullptr ? 20 : 4;

Options with_seed(unsigned seed) {
    kStart = 12 + (seed * 7 % 20) * 0.001;
    return {.queues = 1, .seed = seed, .phase_s = (seed * 11 % 20) * 0.001};
}

Prefix parse(const std::string& text) {
    return *Prefix::parse(text);
}

// What detection times come to, shown in the test's log.
struct Times {
    std::vector<double> values;
    void report(const char* name) {
        std::sort(values.begin(), values.end());
        if (values.empty()) return;
        std::printf("[ %-18s ] first verdict after the first packet: median %.0f ms, worst %.0f ms, %zu runs\n", name,
                    values[values.size() / 2] * 1000, values.back() * 1000, values.size());
    }
};

double dropped_share(const Simulation& run) {
    return static_cast<double>(run.attack_dropped) / static_cast<double>(run.attack_offered);
}

// Nobody but the attackers is cut off: no ordinary client's packet is dropped.
void expect_clients_unharmed(const Simulation& run) {
    EXPECT_EQ(run.calm_dropped, 0u) << "of " << run.calm_offered;
}

TEST(Attack, OneHeavySource) {
    Times times;
    for (unsigned seed = 1; seed <= kSeeds; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        add_heavy_source(run, {.start_s = kStart});
        run.run_until(kStart + 2);
        const auto named = run.cutting();
        ASSERT_FALSE(named.empty());
        EXPECT_GE(named[0].time_s, kStart);
        EXPECT_EQ(named[0].verdict.target, parse("192.0.2.0"));
        EXPECT_STREQ(named[0].verdict.reason, "heavy-source");
        EXPECT_EQ(named.size(), 1u);
        EXPECT_GT(dropped_share(run), 0.95);
        EXPECT_TRUE(run.noticed("attack-began", kStart));
        expect_clients_unharmed(run);
        times.values.push_back(named[0].time_s - kStart);
    }
    times.report("heavy source");
    EXPECT_LE(times.values.back(), 0.080);
}

TEST(Attack, Botnet) {
    Times first, all;
    for (unsigned seed = 1; seed <= kSeeds; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        add_botnet(run, {.start_s = kStart}, 300, 6);
        run.run_until(kStart + 2);
        const std::uint64_t before = run.attack_dropped, offered = run.attack_offered;
        run.run_until(kStart + 3);
        const auto named = run.cutting();
        ASSERT_FALSE(named.empty());
        first.values.push_back(named[0].time_s - kStart);
        EXPECT_GE(named[0].time_s, kStart);
        // From two seconds on at least 99 % is gone.
        EXPECT_GT(static_cast<double>(run.attack_dropped - before),
                  0.99 * static_cast<double>(run.attack_offered - offered));
        expect_clients_unharmed(run);
        all.values.push_back(named.back().time_s - kStart);
    }
    first.report("botnet, first");
    all.report("botnet, last");
    EXPECT_LE(first.values.back(), 0.150);
}

TEST(Attack, RotationInsideOneSlash24NamesThePrefix) {
    Times times;
    for (unsigned seed = 1; seed <= kSeeds; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        add_rotation4(run, {.start_s = kStart});
        run.run_until(kStart + 2);
        const auto named = run.cutting();
        ASSERT_FALSE(named.empty());
        EXPECT_TRUE(std::any_of(named.begin(), named.end(),
                                [](const Decision& d) { return d.verdict.target == parse("192.0.2.0/24"); }));
        EXPECT_LE(named.size(), 40u);
        EXPECT_GT(dropped_share(run), 0.90);
        expect_clients_unharmed(run);
        times.values.push_back(named[0].time_s - kStart);
    }
    times.report("rotation, IPv4");
    EXPECT_LE(times.values.back(), 0.150);
}

TEST(Attack, RotationInIPv6NamesThePrefixThatHoldsIt) {
    for (const unsigned bits : {64u, 56u, 48u}) {
        Times times;
        for (unsigned seed = 1; seed <= kSeeds; ++seed) {
            Simulation run(with_seed(seed));
            add_mixed_clients(run, {.count = 30});
            add_rotation6(run, {.start_s = kStart, .destination = "2001:db8::1"}, bits);
            run.run_until(kStart + 2);
            const auto named = run.cutting();
            ASSERT_FALSE(named.empty());
            EXPECT_EQ(named.back().verdict.target.length, bits) << named.back().verdict.target.text();
            EXPECT_GT(dropped_share(run), 0.90);
            expect_clients_unharmed(run);
            times.values.push_back(named[0].time_s - kStart);
        }
        times.report(("rotation, /" + std::to_string(bits)).c_str());
        EXPECT_LE(times.values.back(), 0.200);
    }
}

TEST(Attack, AUniformlySpoofedFloodNamesNobody) {
    Times times;
    for (unsigned seed = 1; seed <= kSeeds; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        add_spoofed_flood(run, {.start_s = kStart});
        run.run_until(kStart + 3);
        EXPECT_TRUE(run.noticed("spoofed-flood", kStart));
        for (const Decision& decision : run.cutting()) {
            EXPECT_EQ(decision.verdict.kind, VerdictKind::cap) << decision.verdict.target.text();
            EXPECT_EQ(decision.verdict.target, parse("198.51.100.1"));
        }
        ASSERT_TRUE(run.first_cut(kStart, VerdictKind::cap).has_value());
        times.values.push_back(*run.first_cut(kStart, VerdictKind::cap));
        expect_clients_unharmed(run);
    }
    times.report("spoofed flood, cap");
    EXPECT_LE(times.values.back(), 0.250);
}

TEST(Attack, AForgedClientKeepsItsService) {
    const std::uint32_t client = kClientBase + 97 * 3;
    for (const bool same_ttl : {true, false}) {
        for (unsigned seed = 1; seed <= kSeeds; ++seed) {
            Simulation run(with_seed(seed));
            add_mixed_clients(run, {.count = 30});
            const std::uint8_t ttl = ttl_of(client);
            add_heavy_source(
                run,
                {.start_s = kStart, .ttl = same_ttl ? ttl : static_cast<std::uint8_t>(ttl > 100 ? ttl - 60 : ttl + 90)},
                client);
            run.run_until(kStart + 2);
            const auto named = run.cutting();
            ASSERT_EQ(named.size(), 1u);
            EXPECT_STREQ(named[0].verdict.reason, same_ttl ? "heavy-source" : "forged-source");
            EXPECT_EQ(named[0].verdict.quarantine_flags, same_ttl ? GABION_QUARANTINE_CELL : GABION_QUARANTINE_HOPS);
            EXPECT_GT(dropped_share(run), 0.95);
            EXPECT_LE(named[0].time_s - kStart, 0.100);
            expect_clients_unharmed(run);
        }
    }
}

TEST(Attack, CarpetBombingANetworkIsSeenInTheAggregate) {
    Times times;
    for (unsigned seed = 1; seed <= kSeeds; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        add_carpet(run, {.start_s = kStart});
        run.run_until(kStart + 2);
        const auto named = run.cutting();
        ASSERT_FALSE(named.empty());
        EXPECT_EQ(named[0].verdict.target, parse("192.0.2.0"));
        EXPECT_GT(dropped_share(run), 0.90);
        expect_clients_unharmed(run);
        times.values.push_back(named[0].time_s - kStart);
    }
    times.report("carpet bombing");
    EXPECT_LE(times.values.back(), 0.150);
}

TEST(Attack, QueuesHideNothing) {
    Times times;
    for (unsigned seed = 1; seed <= kSeeds; ++seed) {
        Options options = with_seed(seed);
        options.queues = 8;
        Simulation run(options);
        add_mixed_clients(run, {.count = 30});
        add_botnet(run, {.start_s = kStart}, 300, 6);
        run.run_until(kStart + 1.5);
        ASSERT_TRUE(run.first_cut(kStart).has_value());
        EXPECT_GT(dropped_share(run), 0.75);
        expect_clients_unharmed(run);
        times.values.push_back(*run.first_cut(kStart));
    }
    times.report("botnet, 8 queues");
    EXPECT_LE(times.values.back(), 0.120);
}

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
