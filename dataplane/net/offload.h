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
    bool made_clsact = false;  // for our filters: to be taken away with them when nobody else uses it
};

Result<OffloadsBefore> prepare_offloads(const Link& link);

// Likewise for a port of an inline pair, which is to hear frames for everybody. That stays when the daemon dies, as forwarding does. In
// generic mode XDP sees what the stack has merged (GRO), which would be too long for the other port: then that is off, too.
Result<OffloadsBefore> prepare_port(const Link& link, bool generic);
Result<void> restore_offloads(const Link& link, const OffloadsBefore& before);

// Whether a feature takes VLAN tags out of frames that arrive.
[[nodiscard]] bool strips_tags(const std::string& feature) noexcept;

// Why packets of this interface must not be handed over, or nothing: it is made of ports, or its VLAN tags would be lost and VLAN devices
// stand on it. To be asked after prepare_offloads(), and again when VLAN devices came or went.
Result<std::optional<std::string>> handover_obstacle(const Link& link);

// Of these, what can be told from a list of links alone: a bond or team is given its program's packets by its ports, and AF_XDP takes
// packets only from the device that a socket is bound to (xsk_rcv_check() in the kernel); all others would be lost.
std::optional<std::string> made_of_ports(const Link& link, const std::vector<Link>& all);

}  // namespace gabion::net
