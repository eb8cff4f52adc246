// SPDX-License-Identifier: Apache-2.0
// What `gabion doctor` and `gabion tune` share: which host settings and interfaces they are about, and how a finding is shown.
#pragma once

#include <string>

#include "control/cli/commands.h"
#include "control/host/check.h"
#include "control/wire/json.h"
#include "dataplane/core/result.h"

namespace gabion::cli {

inline constexpr const char* default_config = "/etc/gabion/gabion.toml";

struct HostQuestion {
    host::Wanted wanted;
    std::string state_directory;
};

// From the configuration and the interfaces named. Interfaces that are named need no configuration file in the default place.
Result<HostQuestion> host_question(const Options& options);

Json to_json(const host::Finding& finding);

// Four lines: what, what it costs, how to fix it.
void show_finding(std::ostream& out, const host::Finding& finding);

}  // namespace gabion::cli
