// SPDX-License-Identifier: Apache-2.0
// What the attack tests share: when the attack starts, how many seeds, and what is expected of every one. GABION_LONG=1 runs all
// twenty seeds.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/unit/detect/traffic.h"

namespace gabion::detect::test {

inline double attack_start =
    12;  // of the attacks: after ten seconds of calm, at another phase of the slots for each seed
inline const unsigned seed_count = std::getenv("GABION_LONG") != nullptr ? 20 : 4;

inline Options with_seed(unsigned seed) {
    attack_start = 12 + (seed * 7 % 20) * 0.001;
    return {.queues = 1, .seed = seed, .phase_s = (seed * 11 % 20) * 0.001};
}

inline Prefix parse(const std::string& text) { return *Prefix::parse(text); }

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

inline double dropped_share(const Simulation& run) {
    return static_cast<double>(run.attack_dropped) / static_cast<double>(run.attack_offered);
}

// Nobody but the attackers is cut off: no ordinary client's packet is dropped.
inline void expect_clients_unharmed(const Simulation& run) {
    EXPECT_EQ(run.calm_dropped, 0u) << "of " << run.calm_offered;
}

}  // namespace gabion::detect::test
