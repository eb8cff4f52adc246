// SPDX-License-Identifier: Apache-2.0
// Files of targets for `gabion ban load`: one address or prefix a line, behind it perhaps a duration ("192.0.2.1 10m": whole
// seconds as core/duration.h reads them, or their bare number), '#' begins a comment, empty lines count for nothing. Every line
// is judged before anything is loaded: the first bad one is named with its number and text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/address.h"
#include "dataplane/core/result.h"

namespace gabion::ban {

struct LoadTarget {
    Prefix target;
    std::uint32_t duration_s = 0;  // 0 = none given
};

// The targets of a whole file. `name` is for the error's text; `force` allows prefixes as wide as everything.
Result<std::vector<LoadTarget>> parse_targets(std::string_view content, std::string_view name, bool force);

// A regular file of at most 256 MB as a string.
Result<std::string> read_target_file(const std::string& path);

}  // namespace gabion::ban
