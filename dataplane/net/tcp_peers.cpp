// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/tcp_peers.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>

#include "dataplane/net/netlink.h"

namespace gabion::net {

namespace {

// The filter "source port = `port`", as two comparisons (inet_diag_bc_run in the kernel): each has the port in the operation behind it, goes 8
// bytes on when it holds, and else to 4 bytes behind the end, which means no.
std::array<inet_diag_bc_op, 4> only_port(std::uint16_t port) {
    return {{{INET_DIAG_BC_S_GE, 8, 20},
             {INET_DIAG_BC_NOP, 0, port},
             {INET_DIAG_BC_S_LE, 8, 12},
             {INET_DIAG_BC_NOP, 0, port}}};
}

Prefix remote_of(const inet_diag_msg& socket) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(socket.id.idiag_dst);
    in6_addr six{};
    std::copy_n(bytes, sizeof six, six.s6_addr);
    Prefix remote;
    if (socket.idiag_family == AF_INET) {
        std::copy_n(bytes, 4, remote.bytes.begin());
    } else if (IN6_IS_ADDR_V4MAPPED(&six)) {
        std::copy_n(bytes + 12, 4, remote.bytes.begin());
    } else {
        remote.family = Family::v6;
        remote.length = 128;
        std::copy_n(bytes, 16, remote.bytes.begin());
    }
    return remote;
}

Result<void> add_established(Netlink& netlink, std::uint8_t family, std::uint16_t port, std::vector<TcpPeer>& peers) {
    inet_diag_req_v2 request{};
    request.sdiag_family = family;
    request.sdiag_protocol = IPPROTO_TCP;
    request.idiag_states = 1u << TCP_ESTABLISHED;
    Message message(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, request);
    message.put(INET_DIAG_REQ_BYTECODE, only_port(port));
    return netlink.request(
        message, "listing connections to port " + std::to_string(port), [&](const Received& received) {
            const auto socket = received.header<inet_diag_msg>();
            peers.push_back({remote_of(socket), ntohs(socket.id.idiag_sport), ntohs(socket.id.idiag_dport)});
        });
}

}  // namespace

Result<std::vector<TcpPeer>> established_to(const std::vector<unsigned>& ports) {
    std::vector<TcpPeer> peers;
    if (ports.empty()) return peers;
    auto netlink = Netlink::open(NETLINK_SOCK_DIAG);
    if (!netlink) return netlink.error();
    for (const unsigned port : ports) {
        for (const auto family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
            auto done = add_established(*netlink, family, static_cast<std::uint16_t>(port), peers);
            if (!done) return done.error();
        }
    }
    return peers;
}

}  // namespace gabion::net
