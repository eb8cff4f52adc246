// SPDX-License-Identifier: Apache-2.0
// Destinations that are capped or sampled more thickly (bpf/abi/destination.h): up to GABION_DESTINATIONS_MAX at a time, under
// 16-byte keys, IPv4 as ::ffff:a.b.c.d. Cap and posture of one destination have a deadline each; the kernel sees the later of
// the two and this class takes the other out when its time comes (`sweep`). When all places are taken the
// destination that ends first gives way. Times are boot time in ns. For one thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/ban/address_table.h"
#include "dataplane/ban/memory.h"
#include "dataplane/core/address.h"
#include "dataplane/core/clock.h"

namespace gabion::ban {

struct DestinationEntry {
    Prefix target;
    double cap_pps = 0;        // 0 = no cap
    std::uint32_t one_in = 0;  // 0 = posture not raised
    std::uint64_t cap_until_ns = 0;
    std::uint64_t posture_until_ns = 0;
    std::uint64_t since_ns = 0;
    std::uint64_t hits = 0;
    const char* reason = "";
};

class DestinationTable {
public:
    explicit DestinationTable(const BanMemory& memory) noexcept;

    // At start: what a former run left is taken out; attacks that still run are found again within a window.
    void clear() noexcept;

    // False when the destination cannot be held: not an address, or the kernel's table has no room.
    bool cap(const Prefix& target, double rate_pps, std::uint64_t until_ns, const char* reason, const TickClock& clock,
             std::uint64_t now_ns);
    bool raise_posture(const Prefix& target, std::uint32_t one_in, std::uint64_t until_ns, const char* reason,
                       const TickClock& clock, std::uint64_t now_ns);
    bool remove(const Prefix& target) noexcept;

    std::size_t sweep(const TickClock& clock, std::uint64_t now_ns);
    [[nodiscard]] std::vector<DestinationEntry> list() const;
    [[nodiscard]] std::optional<DestinationEntry> find(const Prefix& target) const;

private:
    DestinationEntry* claim(const Prefix& target, const char* reason, std::uint64_t now_ns);
    void write(const DestinationEntry& entry, const TickClock& clock, std::uint64_t now_ns) noexcept;
    void publish_count() noexcept;

    BanMemory memory_;
    Table6 table_;
    std::array<DestinationEntry, GABION_DESTINATIONS_MAX> entries_{};
    std::array<bool, GABION_DESTINATIONS_MAX> used_{};
    std::uint32_t count_ = 0;
};

}  // namespace gabion::ban
