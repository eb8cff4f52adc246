// SPDX-License-Identifier: Apache-2.0
// From banned sources to the prefix that they share: /24, and /64, /56, /48 for IPv6. Counted are distinct offenders with proven evidence
// within a window; what anybody could forge never counts. A /64 counts its addresses, a /56 its /64s and a /48 its /56s, so that one
// host with many addresses is one offender to all but its own /64.
//
// Memory is bounded: of many prefixes those that offended longest ago are forgotten. Times are boot time in ns. For one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <unordered_map>
#include <vector>

#include "dataplane/core/address.h"

namespace gabion::ban {

struct EscalationSettings {
    std::uint32_t offenders = 8;  // distinct ones that get their prefix banned; 0 = never
    std::uint64_t window_ns = 600'000'000'000;
    std::uint64_t duration_ns = 3600'000'000'000;
};

class Escalation {
public:
    struct Due {
        Prefix prefix;
        std::vector<Prefix> offenders;  // the latest of each part that counts
    };

    explicit Escalation(EscalationSettings settings = {}) noexcept : settings_(settings) {}

    void configure(EscalationSettings settings) noexcept { settings_ = settings; }
    [[nodiscard]] const EscalationSettings& settings() const noexcept { return settings_; }

    // A proven offender. Returns the prefixes that have enough of them now, narrowest first; whoever bans one of them calls `done`.
    std::vector<Due> note(const Prefix& source, std::uint64_t now_ns);
    // It is counted anew from now on.
    void done(const Prefix& prefix) noexcept;

private:
    struct Offence {
        Prefix part;
        Prefix source;
        std::uint64_t at_ns = 0;
    };
    struct Watched {
        Prefix prefix;
        std::deque<Offence> offences;  // oldest first, one of each part
    };

    Watched& watch(const Prefix& prefix);

    static constexpr std::size_t watched_max = 16384;
    EscalationSettings settings_;
    std::list<Watched> by_age_;  // longest ago first
    std::unordered_map<Prefix, std::list<Watched>::iterator, PrefixHash> watched_;
};

}  // namespace gabion::ban
