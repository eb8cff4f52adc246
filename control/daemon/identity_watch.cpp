// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/identity_watch.h"

#include <utility>

namespace gabion::daemon {

std::optional<std::string> IdentityWatch::look(const counter::Totals& totals, const gabion_worker_counters& workers,
                                               std::uint64_t in_flight) {
    const std::uint64_t received = totals.received.packets;
    const std::uint64_t back = totals.handed_back.packets;
    const bool received_rests = std::exchange(seen_received_, received) == received;
    const bool back_rests = std::exchange(seen_back_, back) == back;
    if (!received_rests || !back_rests) return std::nullopt;
    const counter::Identity identity = counter::identity(totals, workers, in_flight);
    if (identity.holds() == !broken_) return std::nullopt;
    broken_ = !identity.holds();
    if (!broken_) return "every packet is accounted for again";
    return std::to_string(identity.stage_off_by) + " packets unaccounted for by the stage, " +
           std::to_string(identity.handover_off_by) + " by the hand-over";
}

}  // namespace gabion::daemon
