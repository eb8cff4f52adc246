// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/link_watch.h"

#include <poll.h>

#include <gtest/gtest.h>

#include "dataplane/net/veth_pair.h"
#include "tests/unit/net/in_namespace.h"
#include "tests/unit/net/link_news.h"

namespace gabion::net {
namespace {

using Events = std::vector<LinkEvent>;

Link link(std::uint32_t index, const char* name, bool up = true) {
    Link result;
    result.index = index;
    result.name = name;
    result.mtu = 1500;
    result.up = up;
    result.carrier = up;
    return result;
}

TEST(LinkFollower, TellsWhatChangedAndNothingElse) {
    LinkFollower follower("eth0", link(3, "eth0"));
    EXPECT_EQ(follower.apply(news(link(3, "eth0"))), Events{});
    EXPECT_EQ(follower.apply(news(link(4, "eth1"), true)), Events{});
    EXPECT_EQ(follower.apply(news(link(3, "eth0", false))), Events{LinkEvent::down});
    EXPECT_EQ(follower.apply(news(link(3, "eth0"))), Events{LinkEvent::up});
    Link changed = link(3, "eth0");
    changed.mtu = 9000;
    changed.mac = {2, 0, 0, 0, 0, 1};
    EXPECT_EQ(follower.apply(news(changed)), (Events{LinkEvent::mac_changed, LinkEvent::mtu_changed}));
    Link no_carrier = changed;
    no_carrier.carrier = false;
    EXPECT_EQ(follower.apply(news(no_carrier)), Events{LinkEvent::down});
}

TEST(LinkFollower, DeletedAndMadeAgain) {
    LinkFollower follower("eth0", link(3, "eth0"));
    EXPECT_EQ(follower.apply(news(link(3, "eth0"), true)), Events{LinkEvent::vanished});
    EXPECT_FALSE(follower.link());
    EXPECT_EQ(follower.apply(news(link(3, "eth0"), true)), Events{});
    EXPECT_EQ(follower.apply(news(link(9, "eth0", false))), Events{LinkEvent::appeared});
    EXPECT_EQ(follower.link()->index, 9u);
    EXPECT_EQ(follower.apply(news(link(12, "eth0"))), (Events{LinkEvent::vanished, LinkEvent::appeared, LinkEvent::up}))
        << "the news of its end were missed";
}

TEST(LinkFollower, RenamedOneStaysAndItsOldNameIsSomebodyElses) {
    LinkFollower follower("eth0", link(3, "eth0"));
    EXPECT_EQ(follower.apply(news(link(3, "wan"))), Events{LinkEvent::renamed});
    EXPECT_EQ(follower.apply(news(link(4, "eth0"))), Events{});
    EXPECT_EQ(follower.link()->index, 3u);
    EXPECT_EQ(follower.apply(news(link(3, "wan"), true)), Events{LinkEvent::vanished});
    EXPECT_EQ(follower.apply(news(link(4, "eth0"))), (Events{LinkEvent::appeared, LinkEvent::up}));
}

TEST(LinkFollower, FullListShowsWhatIsGone) {
    LinkFollower follower("eth0", link(3, "eth0"));
    LinkBatch all = news(link(5, "eth5"));
    all.all_links = true;
    EXPECT_EQ(follower.apply(all), Events{LinkEvent::vanished});
    all.news.push_back({false, link(8, "eth0")});
    EXPECT_EQ(follower.apply(all), (Events{LinkEvent::appeared, LinkEvent::up}));
}

TEST(LinkWatch, RealInterfaceIsFollowed) {
    in_namespace([] {
        auto watch = LinkWatch::open();
        ASSERT_TRUE(watch);
        LinkFollower follower("gbt0", std::nullopt);
        const auto next = [&] {
            Events events;
            for (pollfd wait{watch->fd(), POLLIN, 0}; events.empty() && ::poll(&wait, 1, 1000) > 0;) {
                const auto batch = watch->read();
                if (!batch) break;
                events = follower.apply(*batch);
            }
            return events;
        };
        {
            auto pair = VethPair::create("gbt0", "gbt1", 1, 1500, {2, 0, 0, 0, 0, 7});
            ASSERT_TRUE(pair) << pair.error().text;
            EXPECT_EQ(next(), Events{LinkEvent::appeared});
            ASSERT_TRUE(pair->set_up(true));
            EXPECT_EQ(next(), Events{LinkEvent::up});
            ASSERT_TRUE(change_link(pair->near_index(), {.mac = MacAddress{2, 0, 0, 0, 0, 9}, .mtu = {}, .up = {}}));
            EXPECT_EQ(next(), Events{LinkEvent::mac_changed});
            ASSERT_TRUE(change_link(pair->near_index(), {.mac = {}, .mtu = 1400, .up = {}}));
            EXPECT_EQ(next(), Events{LinkEvent::mtu_changed});
            ASSERT_TRUE(change_link(pair->near_index(), {.mac = {}, .mtu = {}, .up = false}));
            EXPECT_EQ(next(), Events{LinkEvent::down});
        }
        EXPECT_EQ(next(), Events{LinkEvent::vanished});
    });
}

}  // namespace
}  // namespace gabion::net
