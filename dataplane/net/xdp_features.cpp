// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/xdp_features.h"

#include <linux/genetlink.h>

#include <algorithm>
#include <array>

#include "dataplane/net/netlink.h"

namespace gabion::net {

namespace {

// include/uapi/linux/netdev.h of Linux 6.3, which older headers do not have.
constexpr std::uint8_t netdev_cmd_dev_get = 1;
constexpr std::uint16_t netdev_a_dev_ifindex = 1;
constexpr std::uint16_t netdev_a_dev_xdp_features = 3;
constexpr std::uint64_t netdev_xdp_act_basic = 1;
constexpr std::uint64_t netdev_xdp_act_redirect = 2;
constexpr std::uint64_t netdev_xdp_act_xsk_zerocopy = 8;

struct KnownDriver {
    std::string_view name;
    bool zero_copy;
};

// Drivers with XDP in Linux 6.1, from those that commit 66c0e13ad236 ("drivers: net: turn on XDP features") marks, by the names that
// ETHTOOL_GDRVINFO gives. Zero copy: those that set NETDEV_XDP_ACT_XSK_ZEROCOPY there.
constexpr std::array known_drivers{
    KnownDriver{"atlantic", false},
    KnownDriver{"bnxt_en", false},
    KnownDriver{"ena", false},
    KnownDriver{"fsl_dpa", false},
    KnownDriver{"fsl_dpaa2_eth", false},
    KnownDriver{"fsl_enetc", false},
    KnownDriver{"hv_netvsc", false},
    KnownDriver{"i40e", true},
    KnownDriver{"ice", true},
    KnownDriver{"igb", false},
    KnownDriver{"igc", true},
    KnownDriver{"ixgbe", true},
    KnownDriver{"ixgbevf", false},
    KnownDriver{"mana", false},
    KnownDriver{"mlx4_en", false},
    KnownDriver{"mlx5_core", true},
    KnownDriver{"mvneta", false},
    KnownDriver{"mvpp2", false},
    KnownDriver{"nfp", true},
    KnownDriver{"qede", false},
    KnownDriver{"rvu_nicpf", false},
    KnownDriver{"sfc", false},
    KnownDriver{"st_gmac", true},
    KnownDriver{"tun", false},
    KnownDriver{"veth", false},
    KnownDriver{"virtio_net", false},
    KnownDriver{"vif", false},
};

std::uint16_t family_id(Netlink& netlink, std::string_view name) {
    Message message(GENL_ID_CTRL, NLM_F_ACK, genlmsghdr{CTRL_CMD_GETFAMILY, 1, 0});
    message.put(CTRL_ATTR_FAMILY_NAME, name);
    std::uint16_t id = 0;
    const auto done = netlink.request(message, "asking for a netlink family", [&](const Received& received) {
        id = received.attributes<genlmsghdr>().value<std::uint16_t>(CTRL_ATTR_FAMILY_ID);
    });
    return done ? id : std::uint16_t{0};
}

}  // namespace

std::optional<XdpFeatures> xdp_features(std::uint32_t link) {
    auto netlink = Netlink::open(NETLINK_GENERIC);
    if (!netlink) return std::nullopt;
    const std::uint16_t family = family_id(*netlink, "netdev");
    if (family == 0) return std::nullopt;
    Message message(family, NLM_F_ACK, genlmsghdr{netdev_cmd_dev_get, 1, 0});
    message.put(netdev_a_dev_ifindex, link);
    std::optional<std::uint64_t> bits;
    const auto done = netlink->request(message, "asking for XDP features", [&](const Received& received) {
        bits = received.attributes<genlmsghdr>().value<std::uint64_t>(netdev_a_dev_xdp_features);
    });
    if (!done || !bits) return std::nullopt;
    constexpr std::uint64_t needed = netdev_xdp_act_basic | netdev_xdp_act_redirect;
    return XdpFeatures{(*bits & needed) == needed, (*bits & netdev_xdp_act_xsk_zerocopy) != 0, true};
}

std::optional<XdpFeatures> xdp_features_of_driver(std::string_view driver) {
    const auto found = std::find_if(known_drivers.begin(), known_drivers.end(),
                                    [&](const KnownDriver& known) { return known.name == driver; });
    if (found == known_drivers.end()) return std::nullopt;
    return XdpFeatures{true, found->zero_copy, false};
}

}  // namespace gabion::net
