// SPDX-License-Identifier: Apache-2.0
// The documents of the contract (docs: design, section 8): every key that a client reads is written here and nowhere else.
#pragma once

#include "control/daemon/events.h"
#include "control/daemon/methods.h"
#include "control/wire/json.h"

namespace gabion::daemon {

Json to_json(const Status& status);
Json to_json(const PanicState& panic);
Json to_json(const Counters& counters);
Json to_json(const CountersReport& report);
Json to_json(const EvidenceReport& evidence);
Json to_json(const BanEntry& ban);
Json to_json(const AllowEntry& allow);
Json to_json(const WhyReport& report);
Json to_json(const ReloadReport& report);
Json to_json(const ProfileReport& report);
Json to_json(const Event& event);
Json to_json(const Page<BanEntry>& page);
Json to_json(const Page<AllowEntry>& page);

// ["bans", "rates"] for GABION_SKIP_BANS | GABION_SKIP_RATES.
Json skip_names(unsigned skip);

}  // namespace gabion::daemon
