// SPDX-License-Identifier: Apache-2.0
// What is decided from what the kernel tells of links, on messages as it sends them: bonds, VLAN devices, channels.
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <gtest/gtest.h>

#include "dataplane/net/ethtool.h"
#include "dataplane/net/link_watch.h"
#include "dataplane/net/netlink.h"
#include "dataplane/net/offload.h"
#include "tests/unit/net/link_news.h"

namespace gabion::net {
namespace {

struct Told {
    std::uint32_t index = 0;
    std::string name;
    std::string kind;
    std::uint32_t lower = 0;
    std::uint32_t master = 0;
    bool lower_elsewhere = false;
};

// By way of the bytes of an RTM_NEWLINK.
Link link(const Told& told) {
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(told.index);
    Message message(RTM_NEWLINK, 0, header);
    message.put(IFLA_IFNAME, std::string_view(told.name));
    if (told.lower != 0) message.put(IFLA_LINK, told.lower);
    if (told.master != 0) message.put(IFLA_MASTER, told.master);
    if (told.lower_elsewhere) message.put(IFLA_LINK_NETNSID, std::int32_t{0});
    message.nest(IFLA_LINKINFO, [&] { message.put(IFLA_INFO_KIND, std::string_view(told.kind)); });
    Link parsed;
    for_each_message(message.finish(1), [&](const Received& received) { parsed = parse_link(received); });
    return parsed;
}

TEST(LinkFacts, VlanDevicesComeAndGo) {
    std::set<std::uint32_t> vlans;
    const Link vlan = link({.index = 9, .name = "eth0.5", .kind = "vlan", .lower = 3});
    EXPECT_TRUE(follow_vlans(vlans, news(vlan), 3));
    EXPECT_FALSE(follow_vlans(vlans, news(vlan), 3)) << "the same one, told again";
    EXPECT_FALSE(follow_vlans(vlans, news(link({.index = 10, .name = "eth1.5", .kind = "vlan", .lower = 4})), 3));
    EXPECT_FALSE(follow_vlans(vlans, news(link({.index = 11, .name = "m0", .kind = "macvlan", .lower = 3})), 3));
    EXPECT_FALSE(follow_vlans(
        vlans, news(link({.index = 12, .name = "w", .kind = "vlan", .lower = 3, .lower_elsewhere = true})), 3))
        << "number 3 of another namespace";
    EXPECT_EQ(vlans, std::set<std::uint32_t>{9});
    EXPECT_TRUE(follow_vlans(vlans, news(vlan, true), 3));
    EXPECT_TRUE(vlans.empty());
}

TEST(LinkFacts, AFullListTellsWhichVlanDevicesAreGone) {
    std::set<std::uint32_t> vlans{9, 10};
    LinkBatch all = news(link({.index = 10, .name = "eth0.6", .kind = "vlan", .lower = 3}));
    all.all_links = true;
    EXPECT_TRUE(follow_vlans(vlans, all, 3));
    EXPECT_EQ(vlans, std::set<std::uint32_t>{10});
    EXPECT_FALSE(follow_vlans(vlans, all, 3));
}

TEST(LinkFacts, ABondNamesThePortsToProtectInstead) {
    const Link bond = link({.index = 3, .name = "bond0", .kind = "bond"});
    const std::vector<Link> all{bond, link({.index = 4, .name = "eth0", .kind = "", .master = 3}),
                                link({.index = 5, .name = "eth1", .kind = "", .master = 3}),
                                link({.index = 6, .name = "eth2", .kind = "", .master = 7})};
    const auto obstacle = made_of_ports(bond, all);
    ASSERT_TRUE(obstacle);
    EXPECT_NE(obstacle->find("bond0 is a bond"), std::string::npos) << *obstacle;
    EXPECT_NE(obstacle->find("protect its ports (eth0, eth1) instead"), std::string::npos) << *obstacle;
    EXPECT_NE(made_of_ports(bond, {bond})->find("(it has none yet)"), std::string::npos);
    EXPECT_FALSE(made_of_ports(all[1], all)) << "a port of it";
    EXPECT_TRUE(made_of_ports(link({.index = 3, .name = "team0", .kind = "team"}), {}));
}

TEST(LinkFacts, ChannelsToReceive) {
    const auto combined = channels_to_receive("eth0", Channels{1, 4, 1, 8}, 6);
    ASSERT_TRUE(combined);
    EXPECT_TRUE(combined->combined);
    EXPECT_EQ(combined->count, 5u) << "the one that receives alone stays";
    const auto alone = channels_to_receive("eth0", Channels{2, 0, 4, 0}, 4);
    ASSERT_TRUE(alone);
    EXPECT_FALSE(alone->combined);
    EXPECT_EQ(alone->count, 4u);
    EXPECT_EQ(channels_to_receive("eth0", Channels{2, 0, 4, 0}, 5).error().text,
              "eth0 can have 1 to 4 channels that receive, not 5");
    EXPECT_FALSE(channels_to_receive("eth0", Channels{1, 4, 1, 8}, 1)) << "a combined one is needed";
    EXPECT_FALSE(channels_to_receive("eth0", std::nullopt, 1));
}

}  // namespace
}  // namespace gabion::net
