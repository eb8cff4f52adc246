// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/tcp_peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "dataplane/core/fd.h"
#include "dataplane/net/link.h"
#include "tests/unit/net/in_namespace.h"

namespace gabion::net {
namespace {

sockaddr_in6 loopback(const char* address, std::uint16_t port) {
    sockaddr_in6 place{};
    place.sin6_family = AF_INET6;
    place.sin6_port = htons(port);
    ::inet_pton(AF_INET6, address, &place.sin6_addr);
    return place;
}

// One socket for both families, as sshd has it.
UniqueFd listen_on(std::uint16_t port) {
    UniqueFd listener(::socket(AF_INET6, SOCK_STREAM, 0));
    const auto place = loopback("::", port);
    const bool good = ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0 &&
                      ::listen(listener.get(), 8) == 0;
    EXPECT_TRUE(good);
    return listener;
}

UniqueFd connect_to(const char* address, std::uint16_t port) {
    UniqueFd client(::socket(AF_INET6, SOCK_STREAM, 0));
    const auto place = loopback(address, port);
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place), 0) << address;
    return client;
}

TEST(TcpPeers, AreThoseOfTheNamedPortsInBothFamilies) {
    in_namespace([] {
        const auto lo = link_by_name("lo");
        ASSERT_TRUE(lo);
        ASSERT_TRUE(change_link(lo->index, {.mac = {}, .mtu = {}, .up = true}));
        const UniqueFd ssh = listen_on(22);
        const UniqueFd other = listen_on(23);
        const UniqueFd four = connect_to("::ffff:127.0.0.1", 22);
        const UniqueFd six = connect_to("::1", 22);
        const UniqueFd elsewhere = connect_to("::1", 23);
        auto peers = established_to({22});
        ASSERT_TRUE(peers) << peers.error().text;
        std::vector<std::string> remotes;
        for (const auto& peer : *peers) {
            EXPECT_EQ(peer.local_port, 22);
            EXPECT_GT(peer.remote_port, 23);
            remotes.push_back(peer.remote.text());
        }
        std::sort(remotes.begin(), remotes.end());
        EXPECT_EQ(remotes, (std::vector<std::string>{"127.0.0.1", "::1"}));
        EXPECT_EQ(established_to({22, 23})->size(), 3u);
        EXPECT_TRUE(established_to({})->empty());
        EXPECT_TRUE(established_to({24})->empty());
    });
}

}  // namespace
}  // namespace gabion::net
