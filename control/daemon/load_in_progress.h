// SPDX-License-Identifier: Apache-2.0
// A list of bans on its way into the tables: a step a round of the loop, so that verdicts and other clients are served in between.
#pragma once

#include <functional>
#include <memory>

#include "control/daemon/appliance.h"
#include "dataplane/ban/ban_load.h"

namespace gabion::daemon {

struct Appliance::Loading {
    std::unique_ptr<ban::BanLoad> load;
    std::size_t targets = 0;
    std::function<void(Result<LoadReport>)> done;
};

}  // namespace gabion::daemon
