// SPDX-License-Identifier: Apache-2.0
// net.ipv4.tcp_syncookies, which must be 2 for a listener to make cookies before its queue is full (tcp_get_syncookie_mss()). Changed only
// while that is wanted, from 1, and put back: the former value is on disk before the change, so that what a killed daemon left is put back
// at the next start. 0 is the operator's word and stays.
#pragma once

#include <optional>
#include <string>

#include "dataplane/core/result.h"

namespace gabion::daemon {

class CookieSwitch {
public:
    // `place`: for what the value holds, this boot and network namespace; what was remembered for another is no longer true.
    CookieSwitch(std::string state_file, std::string sysctl_file, std::string place);
    // The one of this network namespace.
    static CookieSwitch of_this_namespace(const std::string& state_directory);

    struct Event {
        bool bad = false;
        std::string text;
    };
    // As often as one likes; what was done, or could not be.
    std::optional<Event> tend(bool wanted);
    // Why it cannot be changed; empty when it can, as far as is known.
    [[nodiscard]] const std::string& obstacle() const noexcept { return obstacle_; }
    // To be tried again.
    void forget_obstacle();

private:
    [[nodiscard]] std::optional<int> value() const;
    Result<void> write(int value) const;
    Result<void> remember(int former);
    Result<void> forget();
    std::optional<Event> force(int former);
    std::optional<Event> put_back(int former);

    std::string state_file_;
    std::string sysctl_file_;
    std::string place_;
    std::optional<int> former_;  // as on disk
    std::string obstacle_;
};

}  // namespace gabion::daemon
