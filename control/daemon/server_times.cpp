// SPDX-License-Identifier: Apache-2.0
// The server's patience: who has been slow or silent for too long.
#include <sys/epoll.h>

#include "control/daemon/server.h"

namespace gabion::daemon {
namespace {

// How long a client that is being cut off may take to read why.
constexpr std::chrono::milliseconds farewell_time{1'000};

}  // namespace

std::string Server::overdue(const Connection& client, Time now) const {
    const auto seconds = [](std::chrono::milliseconds time) { return std::to_string(time.count() / 1000) + " s"; };
    if (client.unsent() > 0) {
        const auto limit = client.closing ? farewell_time : settings_.stall_time_max;
        return now - client.moved_at > limit ? "it does not read what it asked for, for " + seconds(limit) : "";
    }
    if (client.postponed) return "";
    const auto waiting = now - client.request_since;
    if (client.lines().has_partial() && waiting > settings_.request_time_max)
        return "its request is not complete after " + seconds(settings_.request_time_max);
    if (client.topic.empty() && waiting > settings_.idle_time_max)
        return "it was silent for " + seconds(settings_.idle_time_max);
    return "";
}

void Server::check_times() {
    if (!accepting_) accepting_ = static_cast<bool>(loop_.change(listener_.fd(), EPOLLIN));
    const auto now = Connection::Clock::now();
    std::vector<std::pair<int, std::string>> late;
    for (const auto& [fd, client] : clients_)
        if (std::string why = overdue(*client, now); !why.empty()) late.emplace_back(fd, std::move(why));
    for (const auto& [fd, why] : late)
        cut(fd, why);
}

}  // namespace gabion::daemon
