// SPDX-License-Identifier: Apache-2.0
// Host mode: the way of a worker's packets back into the stack. They are transmitted on one end of a private veth pair; on the other
// end a classifier counts what carries our mark and mirred gives it to the protected interface, where it enters the stack as if it
// had just arrived; mirred marks it as redirected, so that XDP does not see it again. Anything else that arrives there is dropped.
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/core/result.h"
#include "dataplane/net/link.h"
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
                                 const HandBackPrograms& programs);

    // The end that workers transmit on.
    [[nodiscard]] const std::string& interface() const noexcept { return pair_.near(); }
    // The end that packets arrive on: where `handback` and `foreign` run.
    [[nodiscard]] std::uint32_t arrival_index() const noexcept { return pair_.far_index(); }

    // Call when the protected interface's address changed: the Ethernet type of a packet is judged against it.
    [[nodiscard]] Result<void> follow(const Link& protected_link);

    // Puts other programs in the place of those that run at the arriving end.
    [[nodiscard]] Result<void> use(const HandBackPrograms& programs);

    // Takes away the pair that an earlier daemon left; none is fine.
    static void remove(const Link& protected_link);

    // Names of the two ends for a protected interface.
    static std::string near_name(std::uint32_t protected_index) {
        return "gbn" + std::to_string(protected_index) + "a";
    }
    static std::string far_name(std::uint32_t protected_index) { return "gbn" + std::to_string(protected_index) + "b"; }

private:
    HandBack(VethPair pair, const Link& protected_link) noexcept
        : pair_(std::move(pair)), protected_index_(protected_link.index), mac_(protected_link.mac) {}

    VethPair pair_;
    std::uint32_t protected_index_;
    MacAddress mac_{};
};

}  // namespace gabion::net
