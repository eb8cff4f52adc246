// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/netlink.h"

#include <string>

#include <gtest/gtest.h>

namespace gabion::net {
namespace {

TEST(Message, NestedAttributesReadBackAsWritten) {
    ifinfomsg header{};
    header.ifi_index = 7;
    Message message(RTM_NEWLINK, NLM_F_ACK, header);
    message.put(1, std::string_view("abc"));
    message.nest(2, [&] {
        message.put(3, std::uint32_t{0x01020304});
        message.nest(
            4, [&] { message.put(5, std::string_view("inner")); }, sizeof(ifinfomsg));
    });
    const auto bytes = message.finish(42);
    EXPECT_EQ(bytes.size() % 4, 0u);
    int messages = 0;
    for_each_message(bytes, [&](const Received& received) {
        ++messages;
        EXPECT_EQ(received.type, RTM_NEWLINK);
        EXPECT_EQ(received.header<ifinfomsg>().ifi_index, 7);
        const auto attributes = received.attributes<ifinfomsg>();
        EXPECT_EQ(attributes.text(1), "abc");
        EXPECT_EQ(attributes.nested(2).value<std::uint32_t>(3), 0x01020304u);
        const auto peer = attributes.nested(2).bytes(4);
        EXPECT_EQ(Attributes(peer.subspan(sizeof(ifinfomsg))).text(5), "inner");
        EXPECT_TRUE(attributes.bytes(9).empty());
        EXPECT_EQ(attributes.value<std::uint32_t>(9, 11), 11u);
    });
    EXPECT_EQ(messages, 1);
}

TEST(Attributes, TruncatedOnesEndTheList) {
    Message message(RTM_NEWLINK, 0, ifinfomsg{});
    message.put(1, std::string_view("first"));
    message.put(2, std::string_view("second"));
    const auto bytes = message.finish(1);
    const auto body = bytes.subspan(sizeof(nlmsghdr) + sizeof(ifinfomsg));
    for (std::size_t keep = 0; keep <= body.size(); ++keep) {
        const Attributes attributes(body.first(keep));
        EXPECT_EQ(attributes.text(1), keep >= 10 ? "first" : "") << keep;
        EXPECT_EQ(attributes.text(2), keep >= 23 ? "second" : "") << keep;
    }
    std::vector<std::uint8_t> lying(body.begin(), body.end());
    lying[0] = 255;
    EXPECT_TRUE(Attributes(lying).bytes(1).empty());
}

TEST(Message, TruncatedDatagramsGiveWholeMessagesOnly) {
    Message message(RTM_NEWLINK, 0, ifinfomsg{});
    const auto one = message.finish(1);
    std::vector<std::uint8_t> two(one.begin(), one.end());
    two.insert(two.end(), one.begin(), one.end());
    for (std::size_t keep = 0; keep <= two.size(); ++keep) {
        std::size_t seen = 0;
        for_each_message(std::span(two).first(keep), [&](const Received&) { ++seen; });
        EXPECT_EQ(seen, keep / one.size()) << keep;
    }
}

}  // namespace
}  // namespace gabion::net
