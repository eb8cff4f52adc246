// SPDX-License-Identifier: Apache-2.0
// Hit counters by samples: exact while drops are few, unbiased when they are many, whatever the order of the sources.
#include "bpf/lib/hit.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace gabion {
namespace {

gabion_cpu fresh() {
    gabion_cpu cpu{};
    cpu.sampler.random = 0x1234567;
    return cpu;
}

TEST(Hit, CountsTheFirstDropsOfEachTickOneByOne) {
    gabion_cpu cpu = fresh();
    for (std::uint32_t tick = 5; tick < 15; tick++) {
        for (int i = 0; i < GABION_HITS_EXACT; i++)
            ASSERT_EQ(gabion_hit_weight(&cpu, tick), 1u) << tick << ", drop " << i;
        for (int i = 0; i < 1000; i++)
            ASSERT_NE(gabion_hit_weight(&cpu, tick), 1u);
    }
}

TEST(Hit, ExpectsWhatWasDroppedOfEachSource) {
    // 1,000 sources in turn, and 16 is a divisor of 1,000: a fixed gap would miss most of them
    constexpr std::size_t sources = 1000, rounds = 4000;
    gabion_cpu cpu = fresh();
    std::vector<double> hits(sources);
    for (std::size_t i = 0; i < sources * rounds; i++)
        hits[i % sources] += gabion_hit_weight(&cpu, 7);
    double all = 0, worst = 0;
    for (const double each : hits) {
        all += each;
        worst = std::max(worst, std::abs(each - rounds));
    }
    EXPECT_NEAR(all / sources, rounds, rounds * 0.01);
    const double deviation = std::sqrt((GABION_HITS_ONE_IN - 1) * static_cast<double>(rounds));
    EXPECT_LT(worst, 5 * deviation) << "a thousand sources: one in a million would be further off";
    EXPECT_GT(worst, 0.5 * deviation) << "it was not sampled at all";
}

}  // namespace
}  // namespace gabion
