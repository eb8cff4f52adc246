// SPDX-License-Identifier: Apache-2.0
// The detectors fire: on whom, how soon, and what is cut off beside it. Each case runs with several seeds and slot phases.
#include <algorithm>

#include <gtest/gtest.h>

#include "bpf/abi/quarantine.h"
#include "tests/unit/detect/attack_support.h"

namespace gabion::detect::test {
namespace {

TEST(Attack, OneHeavySource) {
    Times times;
    for (unsigned seed = 1; seed <= seed_count; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        add_heavy_source(run, {.start_s = attack_start});
        run.run_until(attack_start + 2);
        const auto named = run.cutting();
        ASSERT_FALSE(named.empty());
        EXPECT_GE(named[0].time_s, attack_start);
        EXPECT_EQ(named[0].verdict.target, parse("192.0.2.0"));
        EXPECT_STREQ(named[0].verdict.reason, "heavy-source");
        EXPECT_EQ(named.size(), 1u);
        EXPECT_GT(dropped_share(run), 0.95);
        EXPECT_TRUE(run.noticed("attack-began", attack_start));
        expect_clients_unharmed(run);
        times.values.push_back(named[0].time_s - attack_start);
    }
    times.report("heavy source");
    EXPECT_LE(times.values.back(), 0.080);
}

TEST(Attack, Botnet) {
    Times first, all;
    for (unsigned seed = 1; seed <= seed_count; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        add_botnet(run, {.start_s = attack_start}, 300, 6);
        run.run_until(attack_start + 2);
        const std::uint64_t before = run.attack_dropped, offered = run.attack_offered;
        run.run_until(attack_start + 3);
        const auto named = run.cutting();
        ASSERT_FALSE(named.empty());
        first.values.push_back(named[0].time_s - attack_start);
        EXPECT_GE(named[0].time_s, attack_start);
        // From two seconds on at least 99 % is gone.
        EXPECT_GT(static_cast<double>(run.attack_dropped - before),
                  0.99 * static_cast<double>(run.attack_offered - offered));
        expect_clients_unharmed(run);
        all.values.push_back(named.back().time_s - attack_start);
    }
    first.report("botnet, first");
    all.report("botnet, last");
    EXPECT_LE(first.values.back(), 0.150);
}

TEST(Attack, RotationInsideOneSlash24NamesThePrefix) {
    Times times;
    for (unsigned seed = 1; seed <= seed_count; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        add_rotation4(run, {.start_s = attack_start});
        run.run_until(attack_start + 2);
        const auto named = run.cutting();
        ASSERT_FALSE(named.empty());
        EXPECT_TRUE(std::any_of(named.begin(), named.end(),
                                [](const Decision& d) { return d.verdict.target == parse("192.0.2.0/24"); }));
        EXPECT_LE(named.size(), 40u);
        EXPECT_GT(dropped_share(run), 0.90);
        expect_clients_unharmed(run);
        times.values.push_back(named[0].time_s - attack_start);
    }
    times.report("rotation, IPv4");
    EXPECT_LE(times.values.back(), 0.150);
}

TEST(Attack, RotationInIPv6NamesThePrefixThatHoldsIt) {
    for (const unsigned bits : {64u, 56u, 48u}) {
        Times times;
        for (unsigned seed = 1; seed <= seed_count; ++seed) {
            Simulation run(with_seed(seed));
            add_mixed_clients(run, {.count = 30});
            add_rotation6(run, {.start_s = attack_start, .destination = "2001:db8::1"}, bits);
            run.run_until(attack_start + 2);
            const auto named = run.cutting();
            ASSERT_FALSE(named.empty());
            EXPECT_EQ(named.back().verdict.target.length, bits) << named.back().verdict.target.text();
            EXPECT_GT(dropped_share(run), 0.90);
            expect_clients_unharmed(run);
            times.values.push_back(named[0].time_s - attack_start);
        }
        times.report(("rotation, /" + std::to_string(bits)).c_str());
        EXPECT_LE(times.values.back(), 0.200);
    }
}

TEST(Attack, AUniformlySpoofedFloodNamesNobody) {
    Times times;
    for (unsigned seed = 1; seed <= seed_count; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        add_spoofed_flood(run, {.start_s = attack_start});
        run.run_until(attack_start + 3);
        EXPECT_TRUE(run.noticed("spoofed-flood", attack_start));
        for (const Decision& decision : run.cutting()) {
            EXPECT_EQ(decision.verdict.kind, VerdictKind::cap) << decision.verdict.target.text();
            EXPECT_EQ(decision.verdict.target, parse("198.51.100.1"));
        }
        ASSERT_TRUE(run.first_cut(attack_start, VerdictKind::cap).has_value());
        times.values.push_back(*run.first_cut(attack_start, VerdictKind::cap));
        expect_clients_unharmed(run);
    }
    times.report("spoofed flood, cap");
    EXPECT_LE(times.values.back(), 0.250);
}

TEST(Attack, AForgedClientKeepsItsService) {
    const std::uint32_t client = client_base + 97 * 3;
    for (const bool same_ttl : {true, false}) {
        for (unsigned seed = 1; seed <= seed_count; ++seed) {
            Simulation run(with_seed(seed));
            add_mixed_clients(run, {.count = 30});
            const std::uint8_t ttl = ttl_of(client);
            add_heavy_source(run,
                             {.start_s = attack_start,
                              .ttl = same_ttl ? ttl : static_cast<std::uint8_t>(ttl > 100 ? ttl - 60 : ttl + 90)},
                             client);
            run.run_until(attack_start + 2);
            const auto named = run.cutting();
            ASSERT_EQ(named.size(), 1u);
            EXPECT_STREQ(named[0].verdict.reason, same_ttl ? "heavy-source" : "forged-source");
            EXPECT_EQ(named[0].verdict.quarantine_flags, same_ttl ? GABION_QUARANTINE_CELL : GABION_QUARANTINE_HOPS);
            EXPECT_GT(dropped_share(run), 0.95);
            EXPECT_LE(named[0].time_s - attack_start, 0.100);
            expect_clients_unharmed(run);
        }
    }
}

// Each forged SYN has the client itself answer with a RST, from its own distance: half of what bears its address does not contradict.
TEST(Attack, AClientThatAnswersAForgedFloodIsStillJudgedByItsTtl) {
    const std::uint32_t client = client_base + 97 * 3;
    for (unsigned seed = 1; seed <= seed_count; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        const std::uint8_t ttl = ttl_of(client);
        const Attack forged{
            .pps = 200'000, .start_s = attack_start, .ttl = static_cast<std::uint8_t>(ttl > 100 ? ttl - 60 : ttl + 90)};
        add_heavy_source(run, forged, client);
        add_heavy_source(run, {.pps = 220'000, .start_s = attack_start, .end_s = attack_start + 0.2, .ttl = ttl},
                         client);  // more than the flood: late answers to what came before
        run.run_until(attack_start + 1);
        const auto named = run.cutting();
        ASSERT_FALSE(named.empty());
        EXPECT_STREQ(named[0].verdict.reason, "forged-source");
        EXPECT_EQ(named[0].verdict.quarantine_flags, GABION_QUARANTINE_HOPS);
    }
}

TEST(Attack, CarpetBombingANetworkIsSeenInTheAggregate) {
    Times times;
    for (unsigned seed = 1; seed <= seed_count; ++seed) {
        Simulation run(with_seed(seed));
        add_mixed_clients(run, {.count = 30});
        add_carpet(run, {.start_s = attack_start});
        run.run_until(attack_start + 2);
        const auto named = run.cutting();
        ASSERT_FALSE(named.empty());
        EXPECT_EQ(named[0].verdict.target, parse("192.0.2.0"));
        EXPECT_GT(dropped_share(run), 0.90);
        expect_clients_unharmed(run);
        times.values.push_back(named[0].time_s - attack_start);
    }
    times.report("carpet bombing");
    EXPECT_LE(times.values.back(), 0.150);
}

TEST(Attack, QueuesHideNothing) {
    Times times;
    for (unsigned seed = 1; seed <= seed_count; ++seed) {
        Options options = with_seed(seed);
        options.queues = 8;
        Simulation run(options);
        add_mixed_clients(run, {.count = 30});
        add_botnet(run, {.start_s = attack_start}, 300, 6);
        run.run_until(attack_start + 1.5);
        ASSERT_TRUE(run.first_cut(attack_start).has_value());
        EXPECT_GT(dropped_share(run), 0.75);
        expect_clients_unharmed(run);
        times.values.push_back(*run.first_cut(attack_start));
    }
    times.report("botnet, 8 queues");
    EXPECT_LE(times.values.back(), 0.120);
}

}  // namespace
}  // namespace gabion::detect::test
