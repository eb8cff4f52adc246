// SPDX-License-Identifier: Apache-2.0
// A look-up as bpf/abi/table.h tells readers to do it, written from that page alone and without the writer's code: what the
// tests hold the writer against.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>

#include "bpf/abi/control.h"
#include "bpf/lib/hash.h"

namespace gabion::ban::testing {

template <typename T>
T load_once(const T& word) {
    return __atomic_load_n(&word, __ATOMIC_ACQUIRE);
}

template <typename Marks>
std::uint32_t tag_at(const Marks& marks, unsigned slot) {
    return static_cast<std::uint32_t>(load_once(marks) >> 8 * slot & 0xff);
}

// The value of the entry whose key is the address in `packet_bytes` (network order, as in a packet), or 0.
inline std::uint32_t read4(std::span<const gabion_bucket4> table, const gabion_hash_key& hash,
                           const void* packet_bytes) {
    std::uint32_t key = 0;
    std::memcpy(&key, packet_bytes, sizeof key);
    const auto mask = static_cast<std::uint32_t>(table.size() - 1);
    const std::uint64_t hashed = gabion_hash4(&hash, key);
    std::uint32_t at = gabion_hash_index(hashed, mask);
    for (unsigned step = 0; step <= GABION_PROBE_MAX; ++step, at = (at + 1) & mask) {
        for (unsigned slot = 0; slot < GABION_SLOTS4; ++slot) {
            if (tag_at(table[at].marks, slot) != gabion_tag(hashed) || load_once(table[at].key[slot]) != key) continue;
            if (const std::uint32_t value = load_once(table[at].value[slot]); value != 0) return value;
        }
        if (load_once(table[at].marks) >> GABION_OVERFLOW_SHIFT4 == 0) return 0;
    }
    return 0;
}

inline std::uint32_t read6(std::span<const gabion_bucket6> table, const gabion_hash_key& hash,
                           const void* packet_bytes) {
    std::uint32_t key[4];
    std::memcpy(key, packet_bytes, sizeof key);
    const auto mask = static_cast<std::uint32_t>(table.size() - 1);
    const std::uint64_t hashed = gabion_hash6(&hash, key);
    std::uint32_t at = gabion_hash_index(hashed, mask);
    for (unsigned step = 0; step <= GABION_PROBE_MAX; ++step, at = (at + 1) & mask) {
        for (unsigned slot = 0; slot < GABION_SLOTS6; ++slot) {
            bool same = tag_at(table[at].marks, slot) == gabion_tag(hashed);
            for (unsigned word = 0; word < 4; ++word)
                same = same && load_once(table[at].key[slot][word]) == key[word];
            if (!same) continue;
            if (const std::uint32_t value = load_once(table[at].value[slot]); value != 0) return value;
        }
        if (load_once(table[at].marks) >> GABION_OVERFLOW_SHIFT6 == 0) return 0;
    }
    return 0;
}

}  // namespace gabion::ban::testing
