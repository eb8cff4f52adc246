// SPDX-License-Identifier: Apache-2.0
// Watches the accounting identity of one interface. Under traffic it is off by what is between two reads; when it stays broken over
// two reads between which nothing moved, a packet is unaccounted for, and that is an event.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/counter/totals.h"

namespace gabion::daemon {

class IdentityWatch {
public:
    // One read, about once a second. A sentence when the identity broke or holds again.
    std::optional<std::string> look(const counter::Totals& totals, const gabion_worker_counters& workers,
                                    std::uint64_t in_flight);

    [[nodiscard]] bool broken() const noexcept { return broken_; }

private:
    std::uint64_t seen_received_ = ~0ull;
    std::uint64_t seen_back_ = ~0ull;
    bool broken_ = false;
};

}  // namespace gabion::daemon
