// SPDX-License-Identifier: Apache-2.0
// The detectors fire: on whom, how soon, and what is cut off beside it. Each case runs with several seeds and slot phases.
#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

#include "bpf/abi/quarantine.h"
#include "tests/unit/detect/traffic.h"

namespace gabion::detect::test {
namespace {

constexpr double kStart = 12;  // of the attacks: after ten seconds of calm
const unsigned kSeeds = std::getenv("GABION_LONG") != nullptr ? 20 : 4;

Options with_seed(unsigned seed) {
    return {.queues = 1, .seed = seed, .phase_s = (seed * 7 % 20) * 0.001};
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

}  // namespace
}  // namespace gabion::detect::test
