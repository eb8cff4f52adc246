// SPDX-License-Identifier: Apache-2.0
// Which prefixes escalation spares, and why.
#pragma once

#include <string>
#include <vector>

#include "dataplane/core/address.h"

namespace gabion::daemon {

class Tables;

// Empty when nothing speaks against a ban of the prefix. `calm_sources`: what the analyst knows from calm times. Of a /24 each address is
// asked for in the filter of known sources and the table of proven ones; addresses that are banned themselves do not count. Both hold
// hashes, so that an IPv6 prefix can be judged by the analyst's memory alone.
std::string why_spared(const Prefix& prefix, Tables& tables, const std::vector<Prefix>& calm_sources);

}  // namespace gabion::daemon
