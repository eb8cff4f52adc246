// SPDX-License-Identifier: Apache-2.0
// One hash table of bpf/abi/table.h, written by this process and read by the kernel at the same time. There is one writer; the
// class is for one thread. Every operation leaves the table readable after each single store, so a writer that is killed in
// the middle tears nothing; what it leaves behind (a counter too high, an entry twice) `audit` puts right.
//
// An entry is named by its index = bucket * stride + slot, which is also its place in the arrays beside the table.
// "No room" is an expected condition and is told by an empty optional.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bpf/abi/table.h"
#include "bpf/lib/hash.h"

namespace gabion::ban {

template <typename Bucket>
struct BucketTraits;

template <>
struct BucketTraits<gabion_bucket4> {
    using Key = std::uint32_t;
    static constexpr std::uint32_t slots = GABION_SLOTS4;
    static constexpr std::uint32_t stride = GABION_STRIDE4;
    static std::uint64_t hash(const gabion_hash_key& key, Key word) noexcept { return gabion_hash4(&key, word); }
    static constexpr unsigned overflow_shift = GABION_OVERFLOW_SHIFT4;
};

template <>
struct BucketTraits<gabion_bucket6> {
    using Key = std::array<std::uint32_t, 4>;
    static constexpr std::uint32_t slots = GABION_SLOTS6;
    static constexpr std::uint32_t stride = GABION_STRIDE6;
    static std::uint64_t hash(const gabion_hash_key& key, const Key& words) noexcept {
        return gabion_hash6(&key, words.data());
    }
    static constexpr unsigned overflow_shift = GABION_OVERFLOW_SHIFT6;
};

// What `audit` found and put right.
struct AuditReport {
    std::uint32_t entries = 0;
    std::uint32_t duplicates = 0;          // entries that stood in two places
    std::uint32_t misplaced = 0;           // entries that no look-up could reach
    std::uint32_t counters_corrected = 0;  // buckets' marks, and counts of the set's header
};

template <typename Bucket>
class AddressTable {
public:
    using Traits = BucketTraits<Bucket>;
    using Key = typename Traits::Key;

    struct Claim {
        std::uint32_t index = 0;
        bool is_new = false;
    };

    // `buckets` is a power of two long, or empty (then nothing is found and nothing fits).
    AddressTable(std::span<Bucket> buckets, const gabion_hash_key& hash) noexcept;

    // A table of these buckets, under the same hash.
    [[nodiscard]] AddressTable of_same_keys(std::span<Bucket> buckets) const noexcept { return {buckets, *hash_}; }

    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t slots() const noexcept { return buckets_.size() * Traits::slots; }

    [[nodiscard]] std::optional<std::uint32_t> find(const Key& key) const noexcept;

    // The place of `key`: where it stands, or a free slot that now holds the key, without a value yet. What stands in arrays
    // beside the table is filled between this and `publish`.
    std::optional<Claim> claim(const Key& key) noexcept;

    // Puts the entry in force, or changes its value. `value` is not 0.
    void publish(Claim claim, std::uint32_t value) noexcept;

    // Gives back a new claim that will not be published.
    void abandon(Claim claim) noexcept;

    std::optional<std::uint32_t> insert(const Key& key, std::uint32_t value) noexcept;
    bool erase(const Key& key) noexcept;

    [[nodiscard]] std::uint32_t value(std::uint32_t index) const noexcept;
    [[nodiscard]] Key key(std::uint32_t index) const noexcept;

    // Brings the key's home bucket into the cache, some hundred ns before it is needed.
    void prefetch(const Key& key) const noexcept {
        if (!buckets_.empty()) __builtin_prefetch(&buckets_[home(key)], 1);
    }

    // A key's home as a fraction of 2^32.
    [[nodiscard]] std::uint64_t place(const Key& key) const noexcept {
        return (std::uint64_t{home(key)} << 32) / (std::uint64_t{mask_} + 1);
    }

    // Calls visit(index, key, value) for each entry.
    template <typename Visit>
    void for_each(Visit&& visit) const;

    // Calls visit(index, key) for each entry that stands where `wanted` could stand: of these one must go when `claim` fails.
    template <typename Visit>
    void for_each_rival(const Key& wanted, Visit&& visit) const;

    // Makes the buckets' marks anew and drops what a killed writer left twice. No valid entry is out of sight at any moment.
    AuditReport audit();

private:
    [[nodiscard]] std::uint32_t home(const Key& key) const noexcept {
        return gabion_hash_index(Traits::hash(*hash_, key), mask_);
    }
    [[nodiscard]] std::uint32_t distance(std::uint32_t from, std::uint32_t bucket) const noexcept {
        return (bucket - from) & mask_;
    }
    [[nodiscard]] std::uint32_t probe_end() const noexcept {
        return mask_ < GABION_PROBE_MAX ? mask_ : GABION_PROBE_MAX;
    }
    [[nodiscard]] std::optional<std::uint32_t> slot_of(const Bucket& bucket, const Key& key) const noexcept;
    [[nodiscard]] bool stands_earlier(const Key& key, std::uint32_t bucket, std::uint32_t slot) const noexcept;
    void write_key(std::uint32_t bucket, std::uint32_t slot, const Key& key) noexcept;
    void add_overflow(std::uint32_t from, std::uint32_t to, int change) noexcept;
    void set_tag(std::uint32_t bucket, std::uint32_t slot, std::uint32_t tag) noexcept;
    // The marks that a bucket needs for what stands in it.
    [[nodiscard]] auto marks_of(const Bucket& bucket, std::uint32_t overflow) const noexcept -> decltype(bucket.marks);

    std::span<Bucket> buckets_;
    const gabion_hash_key* hash_;
    std::uint32_t mask_;
    std::uint32_t size_ = 0;
};

template <typename Bucket>
template <typename Visit>
void AddressTable<Bucket>::for_each(Visit&& visit) const {
    for (std::uint32_t bucket = 0; bucket < buckets_.size(); ++bucket) {
        for (std::uint32_t slot = 0; slot < Traits::slots; ++slot) {
            const std::uint32_t index = bucket * Traits::stride + slot;
            if (const std::uint32_t found = buckets_[bucket].value[slot]; found != 0) visit(index, key(index), found);
        }
    }
}

template <typename Bucket>
template <typename Visit>
void AddressTable<Bucket>::for_each_rival(const Key& wanted, Visit&& visit) const {
    if (buckets_.empty()) return;
    const std::uint32_t from = home(wanted);
    for (std::uint32_t step = 0; step <= probe_end(); ++step) {
        const std::uint32_t bucket = (from + step) & mask_;
        for (std::uint32_t slot = 0; slot < Traits::slots; ++slot) {
            const std::uint32_t index = bucket * Traits::stride + slot;
            if (buckets_[bucket].value[slot] != 0) visit(index, key(index));
        }
    }
}

extern template class AddressTable<gabion_bucket4>;
extern template class AddressTable<gabion_bucket6>;
using Table4 = AddressTable<gabion_bucket4>;
using Table6 = AddressTable<gabion_bucket6>;

}  // namespace gabion::ban
