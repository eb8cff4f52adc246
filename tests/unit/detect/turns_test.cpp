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

TEST(Turns, AFloodOfAnotherKindHasNone) { EXPECT_EQ(told(calm_then(0x10, false, false)), 0); }

}  // namespace
}  // namespace gabion::detect::test
