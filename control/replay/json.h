// SPDX-License-Identifier: Apache-2.0
// What a replay came to, as JSON: the counters in the shape of `gabion counters --json`, what was decided and when, and what was noticed.
#pragma once

#include <vector>

#include "control/replay/replayer.h"
#include "control/wire/json.h"

namespace gabion::replay {

Json to_json(const Replayer& replayer, const std::vector<FileReport>& files);

}  // namespace gabion::replay
