// SPDX-License-Identifier: Apache-2.0
// What is remembered of sources from calm times: which addresses were there, with which TTLs and at what rate, and how far away each
// source prefix (/24, /48) is. Fixed size; the oldest gives way, those never confirmed first.
//
// One packet proves nothing, since anybody can forge one: an address is known, and a TTL or distance believed, when seen again at
// least a second later. Whoever forges the same address twice in calm times makes it known; what that buys is a rate cap
// in place of a quarantine. Times are seconds of the analyst's clock.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/detect/fixed_table.h"

namespace gabion::detect {

struct KnownSource {
    Key key;
    std::uint32_t first_s = 0;
    std::uint32_t counted_s = 0;  // when a window was last counted
    float rate_pps = 0;           // the most that it sent in a second
    std::uint16_t candidate_s = 0;
    std::uint8_t ttl_candidate = 0;
    std::uint8_t ttl_low = 0;
    std::uint8_t ttl_high = 0;
    std::uint8_t windows = 0;  // seen in so many, a second apart or more; saturates
    bool used = false;

    [[nodiscard]] bool known() const noexcept { return windows >= 2; }
};

struct KnownPrefix {
    Key key;
    std::uint32_t hops = 0;        // bit h: distance h confirmed in this epoch or the one before
    std::uint32_t hops_fresh = 0;  // in this epoch
    std::uint32_t hops_candidate = 0;
    std::uint32_t candidate_s = 0;
    std::uint32_t epoch_s = 0;
    std::uint32_t last_s = 0;
    float rate_pps = 0;
    std::uint32_t known_sources = 0;
    bool used = false;
};

enum class Distance : std::uint8_t { unknown, agrees, contradicts };

class Memory {
public:
    static constexpr std::size_t sources_max = 65536;
    static constexpr std::size_t prefixes_max = 16384;
    static constexpr std::uint32_t epoch_length_s =
        6 * 3600;  // a distance not seen in this long, twice over, is forgotten

    explicit Memory(const HashKey& hash);

    void learn(const Key& source, std::uint8_t ttl, std::uint32_t now_s) noexcept;
    // `growth`: the factor by which a rate that is already known may rise now.
    void learn_rate(const Key& source, double rate_pps, double growth) noexcept;
    void learn_prefix_rate(const Key& source, double rate_pps, double growth) noexcept;

    [[nodiscard]] const KnownSource* known(const Key& source) const noexcept;
    [[nodiscard]] const KnownPrefix* prefix(const Key& source) const noexcept;
    // One hop more or less agrees: routes differ by that within a prefix.
    [[nodiscard]] Distance distance(const Key& source, std::uint8_t ttl) const noexcept;

    [[nodiscard]] std::vector<Prefix> calm_sources() const;

    FixedTable<KnownSource>& sources() noexcept { return sources_; }
    FixedTable<KnownPrefix>& prefixes() noexcept { return prefixes_; }
    const FixedTable<KnownSource>& sources() const noexcept { return sources_; }
    const FixedTable<KnownPrefix>& prefixes() const noexcept { return prefixes_; }

private:
    KnownPrefix& learn_distance(const Key& source, std::uint8_t ttl, std::uint32_t now_s) noexcept;

    FixedTable<KnownSource> sources_;
    FixedTable<KnownPrefix> prefixes_;
};

}  // namespace gabion::detect
