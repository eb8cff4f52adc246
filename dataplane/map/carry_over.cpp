// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/carry_over.h"

#include <algorithm>

#include "bpf/abi/flow.h"
#include "bpf/abi/proven.h"
#include "bpf/lib/hash.h"

namespace gabion::map {
namespace {

// Newest first; empty ones last.
bool newer(const gabion_flow& one, const gabion_flow& other) noexcept {
    if ((one.tag == 0) != (other.tag == 0)) return other.tag == 0;
    return static_cast<std::int32_t>(one.stamp - other.stamp) > 0;
}

// Of all entries that may belong into a bucket the newest that it holds.
void merge(gabion_flow_bucket& to, const gabion_flow_bucket& from) noexcept {
    gabion_flow all[2 * GABION_FLOWS_PER_BUCKET];
    std::copy(std::begin(to.flow), std::end(to.flow), all);
    std::copy(std::begin(from.flow), std::end(from.flow), all + GABION_FLOWS_PER_BUCKET);
    std::stable_sort(std::begin(all), std::end(all), newer);
    std::copy_n(all, GABION_FLOWS_PER_BUCKET, to.flow);
}

// A bucket is chosen by the lowest bits of a hash that is not kept. In a larger table an entry therefore stands in each bucket in
// which it may belong: found in the right one, and in the others replaced like any that is old. In a smaller one buckets fall together.
template <typename Bucket>
void spread(std::span<const Bucket> from, std::span<Bucket> to) {
    if (from.data() == to.data() || from.empty() || to.empty()) return;
    for (std::size_t i = 0; i < std::max(from.size(), to.size()); ++i)
        merge(to[i & (to.size() - 1)], from[i & (from.size() - 1)]);
}

// Their whole hash is kept, so that each goes where it belongs; of those that fall together the latest stay.
void carry_proven(std::span<const gabion_proven_bucket> from, std::span<gabion_proven_bucket> to) {
    if (from.data() == to.data() || to.empty()) return;
    for (const gabion_proven_bucket& bucket : from) {
        for (unsigned i = 0; i < GABION_PROVEN_PER_BUCKET; ++i) {
            if (bucket.hash[i] == 0) continue;
            auto& there = to[gabion_hash_index(bucket.hash[i], static_cast<std::uint32_t>(to.size() - 1))];
            unsigned place = 0;
            for (unsigned other = 1; other < GABION_PROVEN_PER_BUCKET && there.hash[place] != 0; ++other) {
                const auto age = static_cast<std::int32_t>(there.stamp[place] - there.stamp[other]);
                if (there.hash[other] == 0 || age > 0) place = other;
            }
            const bool later = static_cast<std::int32_t>(bucket.stamp[i] - there.stamp[place]) > 0;
            if (there.hash[place] != 0 && !later) continue;
            there.hash[place] = bucket.hash[i];
            there.stamp[place] = bucket.stamp[i];
        }
    }
}

}  // namespace

void carry_over(const MapGroup& from, const MapGroup& to) {
    spread<gabion_flow_bucket>(from.values<gabion_flow_bucket>("flows"), to.values<gabion_flow_bucket>("flows"));
    carry_proven(from.values<gabion_proven_bucket>("proven"), to.values<gabion_proven_bucket>("proven"));
}

}  // namespace gabion::map
