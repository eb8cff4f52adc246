// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/thinning.h"

#include <gtest/gtest.h>

namespace gabion::worker {
namespace {

struct Seen {
    std::uint64_t packets = 0;
    std::uint64_t stands_for = 0;
};

// Slots of `packets` each, in batches of 64.
Seen run_slots(Thinning& thinning, std::uint32_t packets, int slots, std::uint64_t& now_ns) {
    Seen seen;
    for (int slot = 0; slot < slots; ++slot) {
        for (std::uint32_t done = 0; done < packets; done += 64) {
            thinning.batch(64, now_ns);
            for (std::uint32_t at = thinning.next(0, 64); at < 64; at = thinning.next(at + 1, 64)) {
                ++seen.packets;
                seen.stands_for += thinning.one_in();
            }
            now_ns += Thinning::slot_ns * 64 / packets;
        }
    }
    return seen;
}

TEST(Thinning, SeesEverythingBelowItsBudget) {
    Thinning thinning(7);
    std::uint64_t now_ns = 1'000'000'000;
    const Seen seen = run_slots(thinning, Thinning::budget, 50, now_ns);
    EXPECT_EQ(seen.packets, 50u * Thinning::budget);
    EXPECT_EQ(seen.stands_for, seen.packets);
}

TEST(Thinning, KeepsToItsBudgetAndStaysUnbiased) {
    Thinning thinning(7);
    std::uint64_t now_ns = 1'000'000'000;
    run_slots(thinning, 204'800, 2, now_ns);
    const Seen seen = run_slots(thinning, 204'800, 100, now_ns);
    EXPECT_NEAR(static_cast<double>(seen.packets) / 100, Thinning::budget, 50);
    EXPECT_NEAR(static_cast<double>(seen.stands_for), 100 * 204'800.0, 0.01 * 100 * 204'800.0);
}

TEST(Thinning, AFloodIsThinnedWithinItsFirstSlot) {
    Thinning thinning(7);
    std::uint64_t now_ns = 1'000'000'000;
    run_slots(thinning, 640, 3, now_ns);
    const Seen first = run_slots(thinning, 204'800, 1, now_ns);
    EXPECT_LT(first.packets, 30'000u);
    EXPECT_NEAR(static_cast<double>(first.stands_for), 204'800.0, 0.05 * 204'800.0);
}

TEST(Thinning, CalmBringsEverythingBack) {
    Thinning thinning(7);
    std::uint64_t now_ns = 1'000'000'000;
    run_slots(thinning, 204'800, 3, now_ns);
    run_slots(thinning, 640, 2, now_ns);
    EXPECT_EQ(run_slots(thinning, 640, 10, now_ns).packets, 6400u);
}

}  // namespace
}  // namespace gabion::worker
