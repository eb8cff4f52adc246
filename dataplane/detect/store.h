// SPDX-License-Identifier: Apache-2.0
// The learned baseline as bytes, for a file: "GBNBASE" and a format version, the length and FNV-1a checksum (Fowler, Noll, Vo) of
// what follows, then plain little-endian values. Times are written as ages, so that they survive a reboot. Only what was confirmed is
// kept. Reading never trusts a length: what does not check out is an error and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/core/result.h"

namespace gabion::detect {

struct State;

std::vector<std::byte> write_baseline(const State& state);
// Fills the learned part of `state`, which was just made.
Result<void> read_baseline(State& state, std::span<const std::byte> bytes, std::uint32_t now_s);

}  // namespace gabion::detect
