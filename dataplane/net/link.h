// SPDX-License-Identifier: Apache-2.0
// Network interfaces of this network namespace: what they are, and changing what Gabion must change. MTU in bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/result.h"

namespace gabion::net {

using MacAddress = std::array<std::uint8_t, 6>;

struct Link {
    std::uint32_t index = 0;
    std::string name;
    std::string kind;  // "veth", "vlan", ...; empty for hardware
    MacAddress mac{};
    std::uint32_t mtu = 0;
    std::uint32_t lower = 0;      // index of the device below (VLAN) or of the veth peer; 0 = none in this namespace
    std::uint32_t master = 0;     // index of the bond or bridge that this is a port of; 0 = none
    std::uint32_t rx_queues = 1;  // allocated; rx_queue_count() tells how many are in use
    std::uint32_t tx_queues = 1;  // likewise
    bool up = false;              // administratively
    bool carrier = false;
    bool promiscuous = false;       // because somebody asked for it, as `ip link set promisc on` does
    std::uint32_t xdp_program = 0;  // id of a program attached there, 0 = none
    bool xdp_generic = false;       // it is run by the stack, not by the driver
};

struct LinkChange {
    std::optional<MacAddress> mac;
    std::optional<std::uint32_t> mtu;
    std::optional<bool> up;
    std::optional<bool> promiscuous{};
    bool no_arp = false;
};

// Nothing found is an error that names the interface.
Result<Link> link_by_name(const std::string& name);
Result<Link> link_by_index(std::uint32_t index);
Result<std::vector<Link>> links();

// VLAN devices that stand on `index`: their tags must survive the hand-over.
Result<std::vector<Link>> vlan_devices_on(std::uint32_t index);

Result<void> change_link(std::uint32_t index, const LinkChange& change);
Result<void> delete_link(std::uint32_t index);

// Receive queues that packets can arrive on now (ETHTOOL_GCHANNELS); at least 1.
std::uint32_t rx_queue_count(const Link& link);
// Likewise, of those that the stack can send by: channels count queues that a driver keeps for XDP_TX as well (virtio), which lose what a
// socket sends by them.
std::uint32_t tx_queue_count(const Link& link);
// How many of either kind it can have at most.
std::uint32_t queue_count_max(const Link& link);

// Writes /proc/sys/net/FAMILY/conf/LINK/KEY; false when there is no such file.
bool set_sysctl(std::string_view family, const std::string& link, std::string_view key, std::string_view value);

struct Received;
// A link from an RTM_NEWLINK or RTM_DELLINK message.
Link parse_link(const Received& message);

}  // namespace gabion::net
