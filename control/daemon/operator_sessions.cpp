// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/operator_sessions.h"

#include <algorithm>
#include <utility>

namespace gabion::daemon {

namespace {
constexpr std::size_t sessions_max = 4096;  // far more than the people who administer a host
}  // namespace

void OperatorSessions::note(const std::vector<net::TcpPeer>& established, std::uint64_t now_ns) {
    const auto before = std::exchange(sessions_, {});
    for (const net::TcpPeer& peer : established) {
        const auto known = before.find(peer);
        if (known == before.end()) continue;
        const bool settled = now_ns - known->second.first_seen_ns >= settled_ns_;
        sessions_[peer] = {known->second.first_seen_ns, settled};
    }
    // Those that have lasted keep their place, whoever else comes.
    for (const net::TcpPeer& peer : established) {
        if (sessions_.size() >= sessions_max) break;
        sessions_.try_emplace(peer, Session{now_ns, settled_ns_ == 0});
    }
}

// Sessions stand in the order of their other ends' addresses, so that those within a prefix stand together.
auto OperatorSessions::first_from(const Prefix& target) const {
    net::TcpPeer first;
    first.remote = target;
    first.remote.length = static_cast<std::uint8_t>(target.width());
    return sessions_.lower_bound(first);
}

std::optional<Prefix> OperatorSessions::any_in(const Prefix& target) const {
    const auto found = first_from(target);
    if (found == sessions_.end() || !target.contains(found->first.remote)) return std::nullopt;
    return found->first.remote;
}

std::optional<Prefix> OperatorSessions::settled_in(const Prefix& target) const {
    for (auto one = first_from(target); one != sessions_.end() && target.contains(one->first.remote); ++one) {
        if (one->second.settled) return one->first.remote;
    }
    return std::nullopt;
}

}  // namespace gabion::daemon
