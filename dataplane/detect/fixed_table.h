// SPDX-License-Identifier: Apache-2.0
// Tables of the analyst: a fixed number of entries in sets of eight, found by a keyed hash; a new key takes the place of the entry of its
// set that is worth least. Nothing is allocated after construction.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/detect/key.h"

namespace gabion::detect {

// Entry has `Key key; bool used;`.
template <typename Entry>
class FixedTable {
public:
    static constexpr std::size_t ways = 8;

    FixedTable(const HashKey& hash, std::size_t sets) : hash_(hash), entries_(sets * ways) {}  // sets: a power of two

    Entry* find(const Key& key) noexcept {
        Entry* set = set_of(key);
        for (std::size_t way = 0; way < ways; ++way)
            if (set[way].used && set[way].key == key) return &set[way];
        return nullptr;
    }
    const Entry* find(const Key& key) const noexcept { return const_cast<FixedTable*>(this)->find(key); }

    // `worth(entry)` is a number.
    template <typename Worth>
    Entry& obtain(const Key& key, Worth&& worth) noexcept {
        Entry* set = set_of(key);
        Entry* least = set;
        for (std::size_t way = 0; way < ways; ++way) {
            Entry& entry = set[way];
            if (entry.used && entry.key == key) return entry;
            if (least->used && (!entry.used || worth(entry) < worth(*least))) least = &entry;
        }
        *least = Entry{};
        least->key = key;
        least->used = true;
        return *least;
    }

    std::span<Entry> entries() noexcept { return entries_; }
    std::span<const Entry> entries() const noexcept { return entries_; }
    void clear() noexcept {
        for (Entry& entry : entries_)
            entry = Entry{};
    }

private:
    Entry* set_of(const Key& key) noexcept {
        const std::size_t sets = entries_.size() / ways;
        return &entries_[(hash_of(hash_, key) >> 16 & (sets - 1)) * ways];
    }

    HashKey hash_;
    std::vector<Entry> entries_;
};

}  // namespace gabion::detect
