// SPDX-License-Identifier: Apache-2.0
#include "dataplane/detect/entropy.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gabion::detect {
namespace {

double miller_madow(double distinct, double samples) noexcept {
    return (distinct - 1) / (2 * samples) * std::numbers::log2e;
}

// p log2(p / q), 0 for p = 0.
double relative(double p, double q) noexcept { return p > 0 ? p * std::log2(p / q) : 0; }

}  // namespace

EntropyEstimate estimate_entropy(std::span<const std::uint32_t> histogram) noexcept {
    EntropyEstimate result;
    double sum = 0;  // of c log2 c
    for (const std::uint32_t count : histogram) {
        if (count == 0) continue;
        result.samples += count;
        ++result.distinct;
        if (count > 1) sum += count * std::log2(static_cast<double>(count));
    }
    if (result.samples == 0) return result;
    const double n = result.samples;
    result.bits = std::max(0.0, std::log2(n) - sum / n) + miller_madow(result.distinct, n);
    result.ceiling_bits = entropy_ceiling(n, static_cast<double>(histogram.size()));
    return result;
}

double entropy_ceiling(double samples, double buckets) noexcept {
    if (samples < 1) return 0;
    const double mean = samples / buckets;
    const int last = static_cast<int>(mean + 10 * std::sqrt(mean) + 10);
    double probability = std::exp(-mean);
    const double distinct = std::max(1.0, buckets * (1 - probability));
    double sum = 0;
    for (int count = 1; count <= last; ++count) {
        probability *= mean / count;
        sum += probability * count * std::log2(static_cast<double>(count));
    }
    return std::log2(samples) - sum * buckets / samples + miller_madow(distinct, samples);
}

double divergence(std::span<const std::uint32_t> histogram, std::span<const float> learned) noexcept {
    double n = 0;
    double cells = 0;
    for (std::size_t i = 0; i < histogram.size(); ++i) {
        n += histogram[i];
        cells += histogram[i] != 0 || learned[i] > 0;
    }
    if (n == 0) return 0;
    double sum = 0;
    for (std::size_t i = 0; i < histogram.size(); ++i) {
        const double p = histogram[i] / n;
        const double q = static_cast<double>(learned[i]);
        const double middle = (p + q) / 2;
        if (middle > 0) sum += (relative(p, middle) + relative(q, middle)) / 2;
    }
    return std::clamp(sum - (cells - 1) / (8 * n) * std::numbers::log2e, 0.0, 1.0);
}

}  // namespace gabion::detect
