// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/address_table.h"

#include <vector>

namespace gabion::ban {
namespace {

using Word = std::atomic_ref<std::uint32_t>;

template <typename T>
void store(T& word, T value) noexcept {
    std::atomic_ref<T>(word).store(value, std::memory_order_release);
}

// Keys of one family, compared and stored word by word.
bool same_key(std::uint32_t stored, std::uint32_t key) noexcept { return stored == key; }
bool same_key(const std::uint32_t (&stored)[4], const std::array<std::uint32_t, 4>& key) noexcept {
    return stored[0] == key[0] && stored[1] == key[1] && stored[2] == key[2] && stored[3] == key[3];
}

void store_key(std::uint32_t& stored, std::uint32_t key) noexcept {
    Word(stored).store(key, std::memory_order_relaxed);
}
void store_key(std::uint32_t (&stored)[4], const std::array<std::uint32_t, 4>& key) noexcept {
    for (std::size_t i = 0; i < key.size(); ++i)
        Word(stored[i]).store(key[i], std::memory_order_relaxed);
}

std::uint32_t load_key(const std::uint32_t& stored) noexcept { return stored; }
std::array<std::uint32_t, 4> load_key(const std::uint32_t (&stored)[4]) noexcept {
    return {stored[0], stored[1], stored[2], stored[3]};
}

}  // namespace

template <typename Bucket>
AddressTable<Bucket>::AddressTable(std::span<Bucket> buckets, const gabion_hash_key& hash) noexcept
    : buckets_(buckets), hash_(&hash), mask_(static_cast<std::uint32_t>(buckets.empty() ? 0 : buckets.size() - 1)) {
    for (const Bucket& bucket : buckets_) {
        for (std::uint32_t slot = 0; slot < Traits::slots; ++slot)
            size_ += bucket.value[slot] != 0;
    }
}

template <typename Bucket>
std::optional<std::uint32_t> AddressTable<Bucket>::slot_of(const Bucket& bucket, const Key& key) const noexcept {
    for (std::uint32_t slot = 0; slot < Traits::slots; ++slot) {
        if (bucket.value[slot] != 0 && same_key(bucket.key[slot], key)) return slot;
    }
    return std::nullopt;
}

template <typename Bucket>
std::optional<std::uint32_t> AddressTable<Bucket>::find(const Key& key) const noexcept {
    if (buckets_.empty()) return std::nullopt;
    const std::uint32_t from = home(key);
    for (std::uint32_t step = 0; step <= probe_end(); ++step) {
        const std::uint32_t at = (from + step) & mask_;
        if (const auto slot = slot_of(buckets_[at], key)) return at * Traits::stride + *slot;
        if (buckets_[at].marks >> Traits::overflow_shift == 0) return std::nullopt;
    }
    return std::nullopt;
}

template <typename Bucket>
auto AddressTable<Bucket>::claim(const Key& key) noexcept -> std::optional<Claim> {
    if (const auto present = find(key)) return Claim{*present, false};
    if (buckets_.empty()) return std::nullopt;
    const std::uint32_t from = home(key);
    for (std::uint32_t step = 0; step <= probe_end(); ++step) {
        const std::uint32_t at = (from + step) & mask_;
        for (std::uint32_t slot = 0; slot < Traits::slots; ++slot) {
            if (buckets_[at].value[slot] != 0) continue;
            add_overflow(from, at, 1);
            write_key(at, slot, key);
            return Claim{at * Traits::stride + slot, true};
        }
    }
    return std::nullopt;
}

template <typename Bucket>
void AddressTable<Bucket>::write_key(std::uint32_t bucket, std::uint32_t slot, const Key& key) noexcept {
    // The slot's former value must be seen gone before its new key is.
    std::atomic_thread_fence(std::memory_order_release);
    store_key(buckets_[bucket].key[slot], key);
}

template <typename Bucket>
void AddressTable<Bucket>::add_overflow(std::uint32_t from, std::uint32_t to, int change) noexcept {
    for (std::uint32_t at = from; at != to; at = (at + 1) & mask_) {
        auto& marks = buckets_[at].marks;
        using Marks = std::remove_reference_t<decltype(marks)>;
        constexpr Marks one = Marks{1} << Traits::overflow_shift;
        store(marks, change > 0 ? marks + one : marks - one);
    }
}

template <typename Bucket>
void AddressTable<Bucket>::set_tag(std::uint32_t bucket, std::uint32_t slot, std::uint32_t tag) noexcept {
    auto& marks = buckets_[bucket].marks;
    using Marks = std::remove_reference_t<decltype(marks)>;
    store(marks, (marks & ~(Marks{0xff} << 8 * slot)) | Marks{tag} << 8 * slot);
}

template <typename Bucket>
auto AddressTable<Bucket>::marks_of(const Bucket& bucket, std::uint32_t overflow) const noexcept
    -> decltype(bucket.marks) {
    using Marks = std::remove_const_t<decltype(bucket.marks)>;
    Marks marks = Marks{overflow} << Traits::overflow_shift;
    for (std::uint32_t slot = 0; slot < Traits::slots; ++slot) {
        if (bucket.value[slot] != 0)
            marks |= Marks{gabion_tag(Traits::hash(*hash_, load_key(bucket.key[slot])))} << 8 * slot;
    }
    return marks;
}

template <typename Bucket>
void AddressTable<Bucket>::publish(Claim claim, std::uint32_t value) noexcept {
    const std::uint32_t bucket = claim.index / Traits::stride, slot = claim.index % Traits::stride;
    if (claim.is_new) set_tag(bucket, slot, gabion_tag(Traits::hash(*hash_, key(claim.index))));
    Word(buckets_[bucket].value[slot]).store(value, std::memory_order_release);
    size_ += claim.is_new;
}

template <typename Bucket>
void AddressTable<Bucket>::abandon(Claim claim) noexcept {
    if (claim.is_new) add_overflow(home(key(claim.index)), claim.index / Traits::stride, -1);
}

template <typename Bucket>
std::optional<std::uint32_t> AddressTable<Bucket>::insert(const Key& key, std::uint32_t value) noexcept {
    const auto claimed = claim(key);
    if (!claimed) return std::nullopt;
    publish(*claimed, value);
    return claimed->index;
}

template <typename Bucket>
bool AddressTable<Bucket>::erase(const Key& key) noexcept {
    const auto index = find(key);
    if (!index) return false;
    const std::uint32_t bucket = *index / Traits::stride, slot = *index % Traits::stride;
    Word(buckets_[bucket].value[slot]).store(0, std::memory_order_release);
    set_tag(bucket, slot, 0);
    add_overflow(home(key), bucket, -1);
    --size_;
    return true;
}

template <typename Bucket>
std::uint32_t AddressTable<Bucket>::value(std::uint32_t index) const noexcept {
    return buckets_[index / Traits::stride].value[index % Traits::stride];
}

template <typename Bucket>
auto AddressTable<Bucket>::key(std::uint32_t index) const noexcept -> Key {
    return load_key(buckets_[index / Traits::stride].key[index % Traits::stride]);
}

// Whether a look-up for `key` meets another entry of the same key before the one in `bucket` and `slot`.
template <typename Bucket>
bool AddressTable<Bucket>::stands_earlier(const Key& key, std::uint32_t bucket, std::uint32_t slot) const noexcept {
    for (std::uint32_t at = home(key); at != bucket; at = (at + 1) & mask_) {
        if (slot_of(buckets_[at], key)) return true;
    }
    return *slot_of(buckets_[bucket], key) != slot;
}

template <typename Bucket>
AuditReport AddressTable<Bucket>::audit() {
    AuditReport report;
    std::vector<std::uint32_t> overflow(buckets_.size(), 0);
    for (std::uint32_t bucket = 0; bucket < buckets_.size(); ++bucket) {
        for (std::uint32_t slot = 0; slot < Traits::slots; ++slot) {
            if (buckets_[bucket].value[slot] == 0) continue;
            const Key here = load_key(buckets_[bucket].key[slot]);
            const bool misplaced = distance(home(here), bucket) > probe_end();
            if (misplaced || stands_earlier(here, bucket, slot)) {
                Word(buckets_[bucket].value[slot]).store(0, std::memory_order_release);
                ++(misplaced ? report.misplaced : report.duplicates);
                continue;
            }
            for (std::uint32_t at = home(here); at != bucket; at = (at + 1) & mask_)
                ++overflow[at];
            ++report.entries;
        }
    }
    for (std::uint32_t bucket = 0; bucket < buckets_.size(); ++bucket) {
        Bucket& here = buckets_[bucket];
        const auto marks = marks_of(here, overflow[bucket]);
        if (here.marks == marks) continue;
        store(here.marks, marks);
        ++report.counters_corrected;
    }
    size_ = report.entries;
    return report;
}

template class AddressTable<gabion_bucket4>;
template class AddressTable<gabion_bucket6>;

}  // namespace gabion::ban
