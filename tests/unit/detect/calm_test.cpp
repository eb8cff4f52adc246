// SPDX-License-Identifier: Apache-2.0
// Nobody is cut off in calm times, whatever calm looks like here: the detectors' false alarms are these tests' failures.
#include <gtest/gtest.h>

#include "tests/unit/detect/traffic.h"

namespace gabion::detect::test {
namespace {

struct Mix {
    const char* description;
    unsigned clients;
    double pps_each;
    std::uint32_t stride;
    unsigned one_in;
    double budget_pps;
    unsigned queues;
};

void PrintTo(const Mix& mix, std::ostream* out) { *out << mix.description; }

void expect_quiet(const Simulation& run) {
    for (const Decision& decision : run.cutting())
        ADD_FAILURE() << decision.time_s << " s: " << decision.verdict.reason << " " << decision.verdict.target.text();
    EXPECT_EQ(run.calm_dropped, 0u);
}

class CalmMix : public ::testing::TestWithParam<Mix> {};

TEST_P(CalmMix, CutsNobodyOff) {
    const Mix& mix = GetParam();
    for (unsigned seed = 1; seed <= 2; ++seed) {
        Simulation run({.queues = mix.queues, .one_in = mix.one_in, .budget_pps = mix.budget_pps, .seed = seed});
        add_mixed_clients(run, {.count = mix.clients, .pps_each = mix.pps_each, .stride = mix.stride});
        run.run_until(20);
        expect_quiet(run);
        EXPECT_TRUE(run.analyst().learned());
        EXPECT_FALSE(run.noticed("attack-began"));
        EXPECT_TRUE(run.noticed("baseline-learned"));
    }
}

INSTANTIATE_TEST_SUITE_P(Mixes, CalmMix,
                         ::testing::Values(Mix{"one client", 1, 40, 1, 256, 2000, 1},
                                           Mix{"one busy client", 1, 2000, 1, 256, 2000, 1},
                                           Mix{"30 clients", 30, 50, 97, 256, 2000, 1},
                                           Mix{"30 clients of one network", 30, 300, 1, 256, 2000, 1},
                                           Mix{"1,000 clients", 1000, 10, 97, 256, 2000, 1},
                                           Mix{"1,000 clients, all seen", 1000, 10, 97, 1, 1e9, 2},
                                           Mix{"10,000 clients", 10000, 2, 97, 256, 2000, 4},
                                           Mix{"10,000 clients, all seen", 10000, 2, 1, 1, 1e9, 1},
                                           Mix{"100,000 clients", 100000, 0.3, 97, 256, 2000, 1},
                                           Mix{"100,000 clients, all seen", 100000, 0.3, 7, 1, 1e9, 1}));

TEST(Calm, CrowdsThatComeAndGoAreNotCutOff) {
    Simulation run({.seed = 3});
    add_mixed_clients(run, {.count = 1, .pps_each = 40});
    add_mixed_clients(run, {.count = 30, .pps_each = 50, .start_s = 12});
    add_mixed_clients(run, {.count = 1000, .pps_each = 6, .stride = 5, .start_s = 20, .end_s = 28});
    add_mixed_clients(run, {.count = 10000, .pps_each = 2, .stride = 1, .start_s = 28, .end_s = 40});
    run.run_until(50);
    expect_quiet(run);
}

TEST(Calm, ANewClientOfTwoThousandPacketsASecondIsLeftAlone) {
    for (unsigned seed = 1; seed <= 5; ++seed) {
        Simulation run({.seed = seed});
        add_mixed_clients(run, {.count = 10, .pps_each = 20});
        add_mixed_clients(run, {.count = 1, .pps_each = 2000, .first = 0x0b010203, .start_s = 15});
        run.run_until(25);
        expect_quiet(run);
    }
}

TEST(Calm, DownloadsAndUploadsOfOneClient) {
    for (const std::uint32_t length : {52u, 1500u}) {
        for (const double start : {3.0, 14.0}) {
            for (const unsigned one_in : {1u, 256u}) {
                Simulation run({.one_in = one_in, .budget_pps = one_in == 1 ? 1e9 : 2000.0, .seed = 4});
                add_mixed_clients(run, {.count = 5, .pps_each = 20});
                add_tcp_stream(run, 300'000, length, start, start + 4);
                run.run_until(20);
                expect_quiet(run);
                EXPECT_FALSE(run.noticed("attack-began"));
            }
        }
    }
}

// Nothing is known yet: a lab's even stream right after the start is no reason to cut anybody off.
TEST(Calm, AnEvenStreamRightAfterTheStart) {
    for (const unsigned sources : {1u, 256u}) {
        for (const unsigned one_in : {1u, 256u}) {
            Simulation run({.one_in = one_in, .budget_pps = one_in == 1 ? 1e9 : 2000.0, .seed = 5});
            add_mixed_clients(run, {.count = sources, .pps_each = 300'000.0 / sources, .stride = 1});
            run.run_until(4);
            expect_quiet(run);
        }
    }
}

// A crowd that came to stay is no attack for ever.
TEST(Calm, ACrowdThatStaysBecomesUsual) {
    Options options{.seed = 7};
    options.settings.destination_floor_pps = options.settings.alarmed_floor_pps = 1000;
    Simulation run(options);
    add_mixed_clients(run, {.count = 10, .pps_each = 20});
    add_mixed_clients(run, {.count = 250, .pps_each = 6, .first = 0x0b000000, .start_s = 15});
    run.run_until(20);
    EXPECT_TRUE(run.analyst().under_attack());
    run.run_until(15 + 600 + 1000);
    EXPECT_FALSE(run.analyst().under_attack());
    expect_quiet(run);
}

TEST(Calm, IdleTimeTeachesNothing) {
    Simulation run({.seed = 6});
    run.run_until(15);
    EXPECT_FALSE(run.analyst().learned());
}

}  // namespace
}  // namespace gabion::detect::test
