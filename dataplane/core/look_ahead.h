// SPDX-License-Identifier: Apache-2.0
// Asks the memory for what the first stages will read of the tables about a source. Asked for a burst of packets, the lines come side by
// side instead of one after the other, which programs in the kernel, given a packet at a time, cannot have.
#pragma once

#include "bpf/lib/bloom.h"
#include "bpf/lib/cover.h"
#include "bpf/lib/table.h"
#include "bpf/lib/tables.h"
#include "dataplane/core/fetch.h"

namespace gabion {

// The word of the allow list's filter that is asked.
inline void fetch_bloom(const gabion_tables& tables, __u64 hash) noexcept {
    const __u32 mask = tables.settings->allow_bloom_mask;
    fetch(tables.allow_bloom + gabion_hash_index(hash, mask) + (tables.control->allow_bloom & 1) * (mask + 1));
}

// A bucket, and the line beside it in which its entries' hits are counted.
template <typename Bucket>
void fetch_bucket(const Bucket* table, const __u64* hits, __u32 at, __u32 stride) noexcept {
    fetch(table + at);
    if (hits != nullptr) fetch(hits + at * stride);
}

// `word`: the source address as it stands in the packet.
inline void look_ahead4(const gabion_tables& tables, __u32 word) noexcept {
    const auto& sets = tables.control->set;
    const __u64 hash = gabion_hash4(&tables.control->hash, word);
    const auto bucket = [&](gabion_set set, const gabion_bucket4* table, const __u64* hits) {
        if (sets[set].exact4 != 0)
            fetch_bucket(table, hits, gabion_hash_index(hash, tables.settings->mask[set].exact4), GABION_STRIDE4);
    };
    if (sets[GABION_SET_ALLOW].exact4 != 0) fetch_bloom(tables, hash);
    bucket(GABION_SET_OPERATOR, tables.op_e4, tables.op_e4_hits);
    bucket(GABION_SET_DETECTOR, tables.det_e4, tables.det_e4_hits);
    bucket(GABION_SET_QUARANTINE, tables.quar_e4, nullptr);
    bucket(GABION_SET_WATCH, tables.watch_e4, nullptr);
    if ((sets[GABION_SET_ALLOW].length_count4 | sets[GABION_SET_OPERATOR].length_count4) != 0)
        fetch(tables.prefix_map4 + (GABION_SWAP32(word) >> 14));
}

inline void look_ahead6(const gabion_tables& tables, const __u32* word) noexcept {
    const auto& sets = tables.control->set;
    const gabion_hash_key& key = tables.control->hash;
    const __u64 hash = gabion_hash6(&key, word);
    const auto bucket = [&](gabion_set set, const gabion_bucket6* table, const __u64* hits) {
        if (sets[set].exact6 != 0)
            fetch_bucket(table, hits, gabion_hash_index(hash, tables.settings->mask[set].exact6), GABION_STRIDE6);
    };
    if (sets[GABION_SET_ALLOW].exact6 != 0) fetch_bloom(tables, hash);
    bucket(GABION_SET_OPERATOR, tables.op_e6, tables.op_e6_hits);
    bucket(GABION_SET_DETECTOR, tables.det_e6, tables.det_e6_hits);
    bucket(GABION_SET_QUARANTINE, tables.quar_e6, nullptr);
    bucket(GABION_SET_WATCH, tables.watch_e6, nullptr);
    if ((sets[GABION_SET_ALLOW].length_count6 | sets[GABION_SET_OPERATOR].length_count6) != 0)
        fetch(tables.prefix_map6 + gabion_hash_index(gabion_hash_wide6(&key, word), tables.settings->prefix_mask6));
}

}  // namespace gabion
