// SPDX-License-Identifier: Apache-2.0
// Whether a rate estimated from samples is surely above a bound. If the true rate were the bound, the number of samples in the
// span would be Poisson with mean m = bound * span / scale; the Chernoff bound P(N >= n) <= exp(-(n ln(n/m) - n + m)) for
// n > m (Mitzenmacher, Upfal, "Probability and Computing", theorem 5.4) must be at most 1e-6. Packets that come in trains are not Poisson: callers
// therefore ask for more than one slot as well.
#pragma once

#include <algorithm>
#include <cmath>

namespace gabion::detect {

inline constexpr double evidence_nats =
    13.8155;  // ln(1e6): at most one in a million sources at the bound is taken for one above it

// `weight` packets, estimated from weight/scale samples that stand for `scale` packets each.
inline bool surely_above(double weight, double scale, double bound_pps, double span_s) noexcept {
    if (weight <= 0) return false;
    scale = std::max(scale, 1.0);
    const double n = weight / scale;
    const double mean = std::max(bound_pps * span_s / scale, 1e-9);
    return n > mean && n * std::log(n / mean) - n + mean >= evidence_nats;
}

}  // namespace gabion::detect
