// SPDX-License-Identifier: Apache-2.0
// [[amplification.rule]]: how the answers of a service look that is abused as an amplifier (dataplane/core/amplifiers.h).
//
// The payload is given in pieces "OFFSET:BYTES" or "OFFSET:BYTES/MASK": an offset in decimal, bytes and mask in hexadecimal, as many
// digits of the one as of the other; a piece without a mask is compared whole.
#pragma once

#include "control/config/config.h"
#include "control/config/keys.h"

namespace gabion::config {

inline constexpr std::size_t own_amplifiers_max = 64;

Key<Config> amplifier_rules();

}  // namespace gabion::config
