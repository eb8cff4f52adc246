// SPDX-License-Identifier: Apache-2.0
// How many routers a packet has passed, inferred from its TTL or hop limit: senders start at 32, 64, 128 or 255, and paths in the
// Internet are shorter than 31 hops (Jin, Wang, Shin, "Hop-Count Filtering", CCS 2003, section 3). Sources that start at
// 32 and at 64 are confused when the latter is more than 32 hops away; everything above 31 counts as 31.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gabion::detect {

constexpr unsigned initial_ttl(std::uint8_t ttl) noexcept {
    return ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
}

constexpr unsigned hops_of(std::uint8_t ttl) noexcept { return std::min(initial_ttl(ttl) - ttl, 31u); }

}  // namespace gabion::detect
