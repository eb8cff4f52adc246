// SPDX-License-Identifier: Apache-2.0
// The operator's own sessions: established connections to ssh or whatever else the host is administered by. No detector cuts off the
// other end of a settled one, and no ban by hand goes over any of them without force. Anybody can open a connection to ssh; it only counts
// as settled when it has lasted longer than ssh waits for a login, so that connecting buys no immunity.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "dataplane/core/address.h"
#include "dataplane/net/tcp_peers.h"

namespace gabion::daemon {

class OperatorSessions {
public:
    void configure(std::uint64_t settled_ns) noexcept { settled_ns_ = settled_ns; }

    // What is established now; a connection that is not in it any more is forgotten.
    void note(const std::vector<net::TcpPeer>& established, std::uint64_t now_ns);

    // The other end of a connection, or of a settled one, that the target is or holds.
    [[nodiscard]] std::optional<Prefix> any_in(const Prefix& target) const;
    [[nodiscard]] std::optional<Prefix> settled_in(const Prefix& target) const;

private:
    struct Session {
        std::uint64_t first_seen_ns = 0;
        bool settled = false;
    };

    [[nodiscard]] auto first_from(const Prefix& target) const;

    std::uint64_t settled_ns_ = 0;
    std::map<net::TcpPeer, Session> sessions_;
};

}  // namespace gabion::daemon
