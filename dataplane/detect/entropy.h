// SPDX-License-Identifier: Apache-2.0
// Shannon entropy of source addresses over hashed buckets, in bits, corrected for small samples.
//
// The plug-in estimate is too low by about (m - 1) / 2n nats, m being the buckets that are not empty: that is added (Miller 1955, "Note
// on the bias of information estimates"; Madow; cf. Paninski 2003, section 4). What remains is O(1/n^2) while n is well above
// the number of sources, and for fewer samples than sources the estimate stays near log2(n): it then tells no more than "wide".
// So every estimate goes with its ceiling, what n samples of 4,096 equally likely buckets give on average, and `normalised`
// is their quotient. Hashing merges sources: the true entropy is never below the estimate's expectation by reason of that.
#pragma once

#include <cstdint>
#include <span>

namespace gabion::detect {

struct EntropyEstimate {
    double bits = 0;
    double ceiling_bits = 0;
    std::uint32_t samples = 0;
    std::uint32_t distinct = 0;  // buckets in use

    [[nodiscard]] double normalised() const noexcept { return ceiling_bits > 0 ? bits / ceiling_bits : 0; }
};

EntropyEstimate estimate_entropy(std::span<const std::uint32_t> histogram) noexcept;

// The mean of `bits` for `samples` drawn from `buckets` equally likely ones (counts taken as Poisson).
double entropy_ceiling(double samples, double buckets) noexcept;

// Jensen-Shannon divergence (Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. IT 1991) in bits, 0 to 1, of a
// histogram from a distribution that sums to 1, less its mean under equality, about (m - 1) / (8 n ln 2) (second-order
// expansion, JSD ~ chi^2/8); 0 when that makes it negative. Equal distributions then give less than 0.02 from 100 samples on.
double divergence(std::span<const std::uint32_t> histogram, std::span<const float> learned) noexcept;

}  // namespace gabion::detect
