// SPDX-License-Identifier: Apache-2.0
// SYNs against the ends of connections: counted over a window that slides, and told in the evidence when they are out of proportion.
#include "dataplane/detect/turns.h"

#include <arpa/inet.h>

#include <cstring>

#include <gtest/gtest.h>

#include "tests/unit/detect/attack_support.h"

namespace gabion::detect::test {
namespace {

TEST(Turns, CountTheLastTenSeconds) {
    Turns turns;
    for (std::uint32_t second = 0; second < 30; ++second)
        turns.add(second * Turns::part_slots, second < 15 ? 100 : 10, 10, 5);
    const auto now = turns.window(29 * Turns::part_slots + 49);
    EXPECT_EQ(now.opened, 100);
    EXPECT_EQ(now.ended, 100);
    EXPECT_EQ(now.samples, 50u);
    EXPECT_EQ(now.ratio(), 1);
    EXPECT_EQ(turns.window(39 * Turns::part_slots).opened, 0) << "long ago";
    EXPECT_EQ(turns.window(34 * Turns::part_slots).opened, 50);
    EXPECT_EQ(Turns{}.window(0).ratio(), 0);
}

Stream segments(std::uint8_t flags, double pps, bool established) {
    return {.make =
                [=](Random& random) {
                    gabion_packet one = packet({.protocol = 6, .destination_port = 443, .tcp_flags = flags});
                    one.source.word[0] = htonl(0x1f000000u + static_cast<std::uint32_t>(random() % 200));
                    return one;
                },
            .pps = pps,
            .established = established};
}

// SYNs for each end, as the last notice of an attack tells it; 0 = it does not.
double told(const Simulation& run) {
    for (auto it = run.notices.rbegin(); it != run.notices.rend(); ++it)
        for (unsigned i = 0; i < it->second.evidence.figure_count; ++i)
            if (std::strcmp(it->second.evidence.figures[i].name, "syns_per_end") == 0)
                return it->second.evidence.figures[i].value;
    return 0;
}

Simulation calm_then(std::uint8_t flags, bool established, bool resets) {
    Simulation run({.seed = 7});
    run.add(segments(0x02, 50, false));
    run.add(segments(0x11, 45, true));
    run.add(segments(0x10, 500, true));
    const auto flood = [&](std::uint8_t with, bool held) {
        Stream stream = segments(with, 100'000, held);
        stream.make = [with](Random& random) {
            gabion_packet one = packet({.protocol = 6, .destination_port = 443, .tcp_flags = with});
            one.source.word[0] = static_cast<__u32>(random());
            return one;
        };
        stream.start_s = 13;
        stream.end_s = 16;
        stream.attack = true;
        run.add(std::move(stream));
    };
    flood(flags, established);
    if (resets) flood(0x04, false);
    run.run_until(25);
    return run;
}

TEST(Turns, ASynFloodIsToldByItsSyns) { EXPECT_GT(told(calm_then(0x02, false, false)), 20); }

TEST(Turns, ForgedResetsHideNothing) { EXPECT_GT(told(calm_then(0x02, false, true)), 20); }

// Ordinary connections, and for ten seconds SYNs of forged sources, too few to be an overload.
struct Thin {
    double usual_ends = 45;
    double flood_pps = 500;
    double more_ends = 0;  // that come with it
    Settings settings{};
};

Simulation thin(const Thin& of) {
    Simulation run({.seed = 11, .settings = of.settings});
    run.add(segments(0x02, 50, false));
    run.add(segments(0x11, of.usual_ends, true));
    run.add(segments(0x10, 500, true));
    Stream flood = segments(0x02, of.flood_pps, false);
    Stream ends = segments(0x11, of.more_ends, true);
    for (Stream* stream : {&flood, &ends}) {
        stream->start_s = 15;
        stream->end_s = 25;
    }
    run.add(std::move(flood));
    if (of.more_ends > 0) run.add(std::move(ends));
    return run;
}

TEST(Turns, AThinSynFloodIsTold) {
    Simulation run = thin({});
    run.run_until(14.9);
    EXPECT_FALSE(run.noticed("syn-fin-began"));
    run.run_until(21);
    EXPECT_TRUE(run.noticed("syn-fin-began", 15));
    EXPECT_TRUE(run.analyst().syn_flood());
    EXPECT_STREQ(run.notices.back().second.evidence.detector, "syn-fin");
    EXPECT_GT(told(run), 4);
    EXPECT_FALSE(run.analyst().under_attack()) << "and nothing else";
    run.run_until(40);
    EXPECT_TRUE(run.noticed("syn-fin-ended", 25));
    EXPECT_FALSE(run.analyst().syn_flood());
    EXPECT_TRUE(run.cutting().empty()) << "it names nobody";
}

TEST(Turns, OrdinaryConnectionsAreNone) {
    for (const Thin& of : {Thin{.more_ends = 480}, Thin{.flood_pps = 30}, Thin{.usual_ends = 4, .flood_pps = 80}}) {
        Simulation run = thin(of);
        run.run_until(35);
        EXPECT_FALSE(run.noticed("syn-fin-began")) << of.usual_ends << ' ' << of.flood_pps << ' ' << of.more_ends;
    }
}

TEST(Turns, SwitchedOffTellsNothingAndInADryRunDoesNothing) {
    Thin off;
    off.settings.syn_fin.enabled = false;
    Simulation silent = thin(off);
    silent.run_until(24);
    EXPECT_FALSE(silent.noticed("syn-fin-began"));
    Thin dry;
    dry.settings.syn_fin.dry_run = true;
    Simulation tells = thin(dry);
    tells.run_until(24);
    EXPECT_TRUE(tells.noticed("syn-fin-began"));
    EXPECT_FALSE(tells.analyst().syn_flood());
}

// Once SYNs are answered by the kernel no worker sees them: the daemon tells how many there were.
TEST(Turns, WhatTheKernelAnswersKeepsItOn) {
    const auto after = [](std::uint64_t answered) {
        Simulation run = thin({});
        run.run_until(24);
        EXPECT_TRUE(run.analyst().syn_flood());
        for (int second = 24; second < 44; ++second) {
            run.run_until(second + 1);
            run.analyst().note_answered(answered, run.now_ns());
        }
        return run.analyst().syn_flood();
    };
    EXPECT_FALSE(after(50));
    EXPECT_TRUE(after(300));
}

TEST(Turns, AFloodOfAnotherKindHasNone) { EXPECT_EQ(told(calm_then(0x10, false, false)), 0); }

}  // namespace
}  // namespace gabion::detect::test
