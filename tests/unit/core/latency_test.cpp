// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/latency.h"

#include <cmath>

#include <gtest/gtest.h>

namespace gabion {
namespace {

TEST(LatencyHistogram, HoldsNothingAtFirst) {
    const LatencyHistogram none;
    EXPECT_EQ(none.count(), 0u);
    EXPECT_EQ(none.quantile_ns(0.5), 0u);
    EXPECT_EQ(none.worst_ns(), 0u);
}

TEST(LatencyHistogram, SmallOnesAreExact) {
    for (std::uint64_t ns = 0; ns < 16; ++ns) {
        LatencyHistogram one;
        one.add(ns);
        one.add(1'000'000);
        EXPECT_EQ(one.quantile_ns(0.5), ns);
    }
}

TEST(LatencyHistogram, AQuantileIsAtMostAnEighthTooHigh) {
    for (double ns = 16; ns < 1e10; ns *= 1.037) {
        const auto value = static_cast<std::uint64_t>(ns);
        LatencyHistogram one;
        one.add(value);
        one.add(~std::uint64_t{0});
        EXPECT_GE(one.quantile_ns(0.5), value);
        EXPECT_LE(static_cast<double>(one.quantile_ns(0.5)), std::ceil(1.125 * static_cast<double>(value)));
    }
}

TEST(LatencyHistogram, QuantilesOfAThousand) {
    LatencyHistogram thousand;
    for (std::uint64_t i = 1; i <= 1000; ++i)
        thousand.add(i * 1000);
    EXPECT_NEAR(static_cast<double>(thousand.quantile_ns(0.5)), 500e3, 63e3);
    EXPECT_NEAR(static_cast<double>(thousand.quantile_ns(0.99)), 990e3, 124e3);
    EXPECT_EQ(thousand.quantile_ns(1), 1'000'000u);
    EXPECT_EQ(thousand.worst_ns(), 1'000'000u);
}

}  // namespace
}  // namespace gabion
