// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/operator_sessions.h"

#include <gtest/gtest.h>

namespace gabion::daemon {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

Prefix at(const char* text) { return *Prefix::parse(text); }
net::TcpPeer peer(const char* remote, std::uint16_t port = 50000) { return {at(remote), 22, port}; }

TEST(OperatorSessions, AreFoundInAddressesAndPrefixesOfTheirFamily) {
    OperatorSessions sessions;
    sessions.note({peer("203.0.113.9"), peer("192.0.2.7"), peer("2001:db8::7")}, second);
    for (const char* target : {"192.0.2.7", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::7", "2001:db8::/32", "::/0"})
        EXPECT_TRUE(sessions.any_in(at(target))) << target;
    for (const char* target :
         {"192.0.2.6", "192.0.2.8", "192.0.3.0/24", "203.0.113.128/25", "2001:db8::8", "2001:db9::/32"})
        EXPECT_FALSE(sessions.any_in(at(target))) << target;
    EXPECT_EQ(sessions.any_in(at("192.0.2.0/24"))->text(), "192.0.2.7");
}

TEST(OperatorSessions, SettleOnlyWhenTheSameConnectionHasLasted) {
    OperatorSessions sessions;
    sessions.configure(150 * second);
    // A connection that is closed and opened again every minute is as good as none.
    for (std::uint16_t i = 0; i < 10; ++i)
        sessions.note({peer("192.0.2.7", static_cast<std::uint16_t>(50000 + i)), peer("192.0.2.8")}, i * 60 * second);
    EXPECT_FALSE(sessions.settled_in(at("192.0.2.7")));
    EXPECT_TRUE(sessions.any_in(at("192.0.2.7")));
    EXPECT_EQ(sessions.settled_in(at("192.0.2.0/24")), at("192.0.2.8")) << "behind one that is not settled";
    sessions.note({peer("192.0.2.7", 50009)}, 700 * second);
    EXPECT_FALSE(sessions.any_in(at("192.0.2.8"))) << "it has ended";
    EXPECT_TRUE(sessions.settled_in(at("192.0.2.7")));
}

TEST(OperatorSessions, ACrowdDoesNotPushOutWhoWasThereBefore) {
    OperatorSessions sessions;
    sessions.configure(second);
    sessions.note({peer("203.0.113.9")}, second);
    std::vector<net::TcpPeer> crowd;
    for (unsigned i = 0; i < 10000; ++i) {
        crowd.push_back(peer("10.0.0.0", static_cast<std::uint16_t>(i)));
        crowd.back().remote.bytes[2] = static_cast<std::uint8_t>(i / 256);
    }
    crowd.push_back(peer("203.0.113.9"));
    sessions.note(crowd, 3 * second);
    EXPECT_TRUE(sessions.settled_in(at("203.0.113.9")));
}

}  // namespace
}  // namespace gabion::daemon
