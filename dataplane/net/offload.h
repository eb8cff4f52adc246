// SPDX-License-Identifier: Apache-2.0
// Offloads that would cost packets on their way through a worker: VLAN tags stripped into metadata, frames merged by the card. They
// are switched off for as long as Gabion protects the interface; what they were before is the caller's to keep.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/result.h"
#include "dataplane/net/ethtool.h"
#include "dataplane/net/link.h"

namespace gabion::net {

// Whether this feature, by the kernel's name, is one of them.
bool harms_handover(std::string_view feature) noexcept;

// What to give to restore_offloads() one day: the features that were on and are off now.
struct OffloadsBefore {
    std::vector<std::string> switched_off;
    bool made_promiscuous = false;
};

Result<OffloadsBefore> prepare_offloads(const Link& link);

// Likewise for a port of an inline pair, which is to hear frames for everybody. That stays when the daemon dies, as forwarding does. In
// generic mode XDP sees what the stack has merged (GRO), which would be too long for the other port: then that is off, too.
Result<OffloadsBefore> prepare_port(const Link& link, bool generic);
Result<void> restore_offloads(const Link& link, const OffloadsBefore& before);

// Whether a feature takes VLAN tags out of frames that arrive.
[[nodiscard]] bool strips_tags(const std::string& feature) noexcept;

// Why packets of this interface must not be handed over, or nothing: its VLAN tags would be lost and VLAN devices stand on it. To be
// asked after prepare_offloads(), and again when a VLAN device was added.
Result<std::optional<std::string>> handover_obstacle(const Link& link);

}  // namespace gabion::net
