// SPDX-License-Identifier: Apache-2.0
// The way of a worker's packets back through the stack. They are transmitted on one end of a private veth pair; on the other end a
// classifier counts what carries our mark and mirred sends it onwards. In host mode that is the protected interface, where it enters the
// stack as if it had just arrived; mirred marks it as redirected, so that XDP does not see it again. In inline mode it is the inside
// port, which sends it, when that has no queue of its own for each worker. Anything else that arrives there is dropped.
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/core/result.h"
#include "dataplane/net/link.h"
#include "dataplane/net/traffic_control.h"
#include "dataplane/net/veth_pair.h"

namespace gabion::net {

struct HandBackPrograms {
    int handback_fd = -1;  // classifier: matches our mark, counts
    int foreign_fd = -1;   // direct action: counts and drops
};

class HandBack {
public:
    // `queues`: as many as there are workers; worker i transmits on queue i of `interface()`. Nothing may be in flight on a
    // pair left by an earlier daemon: it is deleted (see worker/takeover.h).
    static Result<HandBack> open(const Link& protected_link, std::uint32_t queues, std::uint32_t mtu,
                                 const HandBackPrograms& programs, const Redirect& onwards);

    // The end that workers transmit on.
    [[nodiscard]] const std::string& interface() const noexcept { return pair_.near(); }
    // The end that packets arrive on: where `handback` and `foreign` run.
    [[nodiscard]] std::uint32_t arrival_index() const noexcept { return pair_.far_index(); }

    // Call when the protected interface's address changed: the Ethernet type of a packet is judged against it.
    [[nodiscard]] Result<void> follow(const Link& protected_link);

    // Puts other programs in the place of those that run at the arriving end.
    [[nodiscard]] Result<void> use(const HandBackPrograms& programs);

    // Down, what workers send waits in their rings instead of being lost behind the pair.
    [[nodiscard]] Result<void> set_up(bool up) { return pair_.set_up(up); }

    // Takes away the pair that an earlier daemon left; none is fine.
    static void remove(const Link& protected_link);

    // Names of the two ends for a protected interface.
    static std::string near_name(std::uint32_t protected_index) {
        return "gbn" + std::to_string(protected_index) + "a";
    }
    static std::string far_name(std::uint32_t protected_index) { return "gbn" + std::to_string(protected_index) + "b"; }

private:
    HandBack(VethPair pair, const MacAddress& mac, const Redirect& onwards) noexcept
        : pair_(std::move(pair)), mac_(mac), onwards_(onwards) {}

    VethPair pair_;
    MacAddress mac_;
    Redirect onwards_;
};

}  // namespace gabion::net
