// SPDX-License-Identifier: Apache-2.0
#include "dataplane/detect/memory.h"

#include <algorithm>

#include "dataplane/detect/hops.h"

namespace gabion::detect {
namespace {

constexpr unsigned prefix_length6 = 48;
constexpr double worth_of_known = 1e12;
// A rate never learned before may be whatever it is; later ones grow from at least this.
constexpr double rate_floor = 50;

double worth(const KnownSource& source) noexcept { return source.counted_s + (source.known() ? worth_of_known : 0); }
double worth(const KnownPrefix& prefix) noexcept { return prefix.last_s + (prefix.hops != 0 ? worth_of_known : 0); }

void learn_ttl(KnownSource& source, std::uint8_t ttl, std::uint32_t now_s) noexcept {
    if (ttl >= source.ttl_low && ttl <= source.ttl_high) return;
    const auto now = static_cast<std::uint16_t>(now_s);
    if (source.ttl_candidate != ttl) {
        source.ttl_candidate = ttl;
        source.candidate_s = now;
    } else if (now != source.candidate_s) {
        source.ttl_low = std::min(source.ttl_low, ttl);
        source.ttl_high = std::max(source.ttl_high, ttl);
        source.ttl_candidate = 0;
    }
}

float grown(float rate, double seen, double growth) noexcept {
    if (rate == 0) return static_cast<float>(seen);
    return static_cast<float>(std::max<double>(rate, std::min(seen, std::max<double>(rate, rate_floor) * growth)));
}

}  // namespace

Memory::Memory(const HashKey& hash) : sources_(hash, sources_max / 8), prefixes_(hash, prefixes_max / 8) {}

void Memory::learn(const Key& key, std::uint8_t ttl, std::uint32_t now_s) noexcept {
    KnownPrefix& prefix = learn_distance(key, ttl, now_s);
    KnownSource& source = sources_.obtain(key, [](const KnownSource& entry) { return worth(entry); });
    if (source.windows == 0) {
        source.first_s = source.counted_s = now_s;
        source.ttl_low = source.ttl_high = ttl;
        source.windows = 1;
        return;
    }
    if (now_s > source.counted_s) {
        source.counted_s = now_s;
        if (source.windows == 1) {
            ++prefix.known_sources;
            // The first packet's TTL was nobody's word yet: this one's counts beside it only if they agree.
            if (source.ttl_low != ttl) source.ttl_candidate = source.ttl_low;
            source.ttl_low = source.ttl_high = ttl;
        }
        if (source.windows < 255) ++source.windows;
    }
    learn_ttl(source, ttl, now_s);
}

KnownPrefix& Memory::learn_distance(const Key& source, std::uint8_t ttl, std::uint32_t now_s) noexcept {
    KnownPrefix& prefix =
        prefixes_.obtain(prefix_of(source, prefix_length6), [](const KnownPrefix& entry) { return worth(entry); });
    const std::uint32_t bit = std::uint32_t{1} << hops_of(ttl);
    prefix.last_s = now_s;
    if (prefix.epoch_s == 0) prefix.epoch_s = now_s;
    if (now_s - prefix.epoch_s >= epoch_length_s) {
        prefix.hops = prefix.hops_fresh;
        prefix.hops_fresh = 0;
        prefix.epoch_s = now_s;
    }
    if ((prefix.hops & bit) != 0) {
        prefix.hops_fresh |= bit;
    } else if ((prefix.hops_candidate & bit) == 0) {
        prefix.hops_candidate |= bit;
        prefix.candidate_s = now_s;
    } else if (now_s > prefix.candidate_s) {
        prefix.hops |= bit;
        prefix.hops_fresh |= bit;
        prefix.hops_candidate &= ~bit;
    }
    return prefix;
}

void Memory::learn_rate(const Key& key, double rate_pps, double growth) noexcept {
    if (KnownSource* source = sources_.find(key); source != nullptr && source->known())
        source->rate_pps = grown(source->rate_pps, rate_pps, growth);
}

void Memory::learn_prefix_rate(const Key& key, double rate_pps, double growth) noexcept {
    if (KnownPrefix* found = prefixes_.find(prefix_of(key, prefix_length6)); found != nullptr && found->hops != 0)
        found->rate_pps = grown(found->rate_pps, rate_pps, growth);
}

const KnownSource* Memory::known(const Key& key) const noexcept {
    const KnownSource* source = sources_.find(key);
    return source != nullptr && source->known() ? source : nullptr;
}

const KnownPrefix* Memory::prefix(const Key& source) const noexcept {
    const KnownPrefix* found = prefixes_.find(prefix_of(source, prefix_length6));
    return found != nullptr && found->hops != 0 ? found : nullptr;
}

Distance Memory::distance(const Key& source, std::uint8_t ttl) const noexcept {
    const KnownPrefix* found = prefix(source);
    if (found == nullptr) return Distance::unknown;
    const std::uint32_t near = found->hops | found->hops << 1 | found->hops >> 1;
    return (near >> hops_of(ttl) & 1) != 0 ? Distance::agrees : Distance::contradicts;
}

std::vector<Prefix> Memory::calm_sources() const {
    std::vector<Prefix> result;
    for (const KnownSource& source : sources_.entries())
        if (source.used && source.known()) result.push_back(source.key.address());
    return result;
}

}  // namespace gabion::detect
