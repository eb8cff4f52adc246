// SPDX-License-Identifier: Apache-2.0
#include "dataplane/detect/entropy.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace gabion::detect {
namespace {

std::vector<std::uint32_t> draw(unsigned sources, unsigned samples, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<std::uint32_t> histogram(4096);
    for (unsigned i = 0; i < samples; ++i)
        ++histogram[random() % sources];
    return histogram;
}

double mean_bits(unsigned sources, unsigned samples) {
    double sum = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed)
        sum += estimate_entropy(draw(sources, samples, seed)).bits;
    return sum / 20;
}

TEST(Entropy, OneSourceHasNone) {
    const auto estimate = estimate_entropy(draw(1, 500, 1));
    EXPECT_DOUBLE_EQ(estimate.bits, 0);
    EXPECT_EQ(estimate.distinct, 1u);
    EXPECT_EQ(estimate.samples, 500u);
}

TEST(Entropy, NothingSeenIsNothing) {
    const auto estimate = estimate_entropy(std::vector<std::uint32_t>(4096));
    EXPECT_EQ(estimate.samples, 0u);
    EXPECT_DOUBLE_EQ(estimate.normalised(), 0);
}

// The header's claim: the corrected estimate is right once there are a few times more samples than sources.
TEST(Entropy, IsUnbiasedWithFourSamplesASource) {
    for (const unsigned sources : {2u, 16u, 64u, 300u, 1024u})
        EXPECT_NEAR(mean_bits(sources, sources * 4), std::log2(sources), 0.08) << sources << " sources";
}

TEST(Entropy, TheCorrectionIsWorthHavingWithFewSamples) {
    EXPECT_NEAR(mean_bits(30, 40), std::log2(30), 0.25);  // plug-in: 0.5 bits too low
}

TEST(Entropy, TheCeilingIsWhatUniformSourcesGive) {
    for (const unsigned samples : {10u, 40u, 300u, 3000u, 20000u})
        EXPECT_NEAR(mean_bits(4096, samples), entropy_ceiling(samples, 4096), 0.03) << samples << " samples";
    EXPECT_NEAR(estimate_entropy(draw(4096, 3000, 7)).normalised(), 1, 0.02);
}

TEST(Divergence, IsNearZeroForTheSameDistributionHoweverFewTheSamples) {
    std::vector<float> learned(288, 0.0f);
    for (unsigned i = 0; i < 32; ++i)
        learned[i] = 1.0f / 32;
    for (const unsigned samples : {100u, 1000u, 10000u}) {
        double sum = 0;
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            auto histogram = draw(32, samples, seed);
            histogram.resize(288);
            sum += divergence(histogram, learned);
        }
        EXPECT_LT(sum / 20, 0.02) << samples << " samples";
    }
}

TEST(Divergence, IsOneForDisjointAndHalfwayForHalf) {
    std::vector<float> learned(288, 0.0f);
    learned[0] = 1;
    std::vector<std::uint32_t> histogram(288);
    histogram[5] = 100'000;
    EXPECT_NEAR(divergence(histogram, learned), 1, 0.001);
    histogram[0] = 100'000;
    EXPECT_NEAR(divergence(histogram, learned), 0.3113, 0.001);  // H(3/4, 1/4) - H(1/2, 1/2) / 2
}

}  // namespace
}  // namespace gabion::detect
