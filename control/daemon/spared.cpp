// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/spared.h"

#include "bpf/lib/hash.h"
#include "bpf/lib/proof.h"
#include "control/daemon/tables.h"

namespace gabion::daemon {
namespace {

bool is_proven(const Prefix& address, Tables& tables) {
    const auto buckets = tables.shared().values<gabion_proven_bucket>("proven");
    const std::uint32_t ticks = tables.control().connections.proven_ticks;
    if (buckets.empty() || ticks == 0) return false;
    const std::uint64_t hash = ban::key_hash(tables.control().hash, address);
    const auto& bucket = buckets[gabion_hash_index(hash, static_cast<std::uint32_t>(buckets.size() - 1))];
    return gabion_proof_holds(&bucket, hash, tables.now_ticks(), ticks) != 0;
}

}  // namespace

std::string why_spared(const Prefix& prefix, Tables& tables, const std::vector<Prefix>& calm_sources) {
    const auto banned = [&](const Prefix& address) {
        return tables.book().find(GABION_SET_DETECTOR, address) || tables.book().find(GABION_SET_OPERATOR, address);
    };
    for (const Prefix& source : calm_sources)
        if (prefix.contains(source) && !banned(source)) return "since it holds the known source " + source.text();
    if (prefix.family != Family::v4 || prefix.length < 24) return {};
    Prefix address = prefix;
    address.length = 32;
    for (unsigned last = 0; last < (1u << (32 - prefix.length)); ++last) {
        address.bytes[3] = static_cast<std::uint8_t>(prefix.bytes[3] + last);
        if (banned(address)) continue;
        if (tables.known().contains(address)) return "since it holds the known source " + address.text();
        if (is_proven(address, tables)) return "since it holds the proven source " + address.text();
    }
    return {};
}

}  // namespace gabion::daemon
