// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/veth_pair.h"

#include <linux/if_link.h>
#include <linux/veth.h>

#include "dataplane/net/ethtool.h"
#include "dataplane/net/netlink.h"

namespace gabion::net {

namespace {

Result<void> remove_old(const std::string& name) {
    auto old = link_by_name(name);
    if (!old) return {};
    if (old->kind != "veth")
        return Error{"interface " + name + " is in the way of the private pair and no veth; rename it", EEXIST};
    return delete_link(old->index);
}

Result<void> make(const std::string& near, const std::string& far, std::uint32_t queues, std::uint32_t mtu,
                  const MacAddress& far_mac) {
    auto netlink = Netlink::open();
    if (!netlink) return netlink.error();
    Message message(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
    const auto end = [&](const std::string& name) {
        message.put(IFLA_IFNAME, std::string_view(name));
        message.put(IFLA_MTU, mtu);
        message.put(IFLA_NUM_TX_QUEUES, queues);
        message.put(IFLA_NUM_RX_QUEUES, queues);
    };
    end(near);
    message.nest(IFLA_LINKINFO, [&] {
        message.put(IFLA_INFO_KIND, std::string_view("veth"));
        message.nest(IFLA_INFO_DATA, [&] {
            message.nest(
                VETH_INFO_PEER,
                [&] {
                    end(far);
                    message.put(IFLA_ADDRESS, far_mac);
                },
                sizeof(ifinfomsg));
        });
    });
    return netlink->request(message, "creating the private pair " + near + " - " + far);
}

}  // namespace

Result<VethPair> VethPair::create(const std::string& near, const std::string& far, std::uint32_t queues,
                                  std::uint32_t mtu, const MacAddress& far_mac) {
    for (const auto& name : {near, far}) {
        if (auto done = remove_old(name); !done) return done.error();
    }
    if (auto done = make(near, far, queues, mtu, far_mac); !done) return done.error();
    VethPair pair;
    pair.near_ = near;
    pair.far_ = far;
    auto near_link = link_by_name(near);
    if (!near_link) return near_link.error();
    pair.near_index_ = near_link->index;
    auto far_link = link_by_name(far);
    if (!far_link) return far_link.error();
    pair.far_index_ = far_link->index;
    if (auto done = pair.configure(); !done) return done.error();
    return pair;
}

VethPair::~VethPair() {
    if (near_index_ != 0) static_cast<void>(static_cast<bool>(delete_link(near_index_)));
}

Result<void> VethPair::configure() const {
    for (const auto& name : {near_, far_})
        set_sysctl("ipv6", name, "disable_ipv6", "1");
    // The far end polls a ring of its own for each queue (256 packets) instead of sharing the CPU's backlog with everybody. It does so
    // when it merges (GRO) what the near end does not promise to send merged (TSO).
    const std::vector<FeatureChange> no_segmentation{{"tx-tcp-segmentation", false},
                                                     {"tx-tcp-ecn-segmentation", false},
                                                     {"tx-tcp-mangleid-segmentation", false},
                                                     {"tx-tcp6-segmentation", false}};
    if (auto done = change_features(near_, no_segmentation); !done) return done.error();
    return change_features(far_, {{"rx-gro", true}});
}

Result<void> VethPair::set_up(bool up) const {
    LinkChange change;
    change.up = up;
    change.no_arp = true;
    if (auto done = change_link(far_index_, change); !done) return done.error();
    return change_link(near_index_, change);
}

Result<void> VethPair::set_far_mac(const MacAddress& mac) const {
    LinkChange change;
    change.mac = mac;
    return change_link(far_index_, change);
}

}  // namespace gabion::net
