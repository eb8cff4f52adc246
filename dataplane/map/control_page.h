// SPDX-License-Identifier: Apache-2.0
// The first words of a new control page.
#pragma once

#include "bpf/abi/control.h"

namespace gabion::map {

// Gives a control page that was never used its version and random hash keys. Returns false when the page belongs to another version
// of the layout: then every map must be made anew.
bool prepare_control(gabion_control& control);

}  // namespace gabion::map
