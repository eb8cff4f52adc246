// SPDX-License-Identifier: Apache-2.0
// The one name under which the control plane speaks of JSON values. Only declared here: nlohmann's header is heavy, and what
// merely passes values on does not need it.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace gabion {

using Json = nlohmann::json;

}  // namespace gabion
