// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/record_store.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "bpf/lib/hash.h"

namespace gabion::ban {

std::uint32_t RecordStore::home(const Prefix& target) const noexcept {
    std::array<std::uint32_t, 4> words{};
    std::memcpy(words.data(), target.bytes.data(), sizeof words);
    const std::uint32_t shape = static_cast<std::uint32_t>(target.family) << 8 | target.length;
    // An address's hash is the tables': what is close together there is so here, which makes long loads fast.
    std::uint64_t hash =
        target.family == Family::v4 ? gabion_hash4(hash_, words[0]) : gabion_hash6(hash_, words.data());
    if (!target.is_address()) hash ^= shape * 0x9e3779b97f4a7c15u;
    return gabion_hash_index(hash, static_cast<std::uint32_t>(index_.size() - 1));
}

std::optional<RecordId> RecordStore::find(const Prefix& target) const noexcept {
    if (index_.empty()) return std::nullopt;
    const auto mask = static_cast<std::uint32_t>(index_.size() - 1);
    for (std::uint32_t at = home(target); index_[at] != no_record; at = (at + 1) & mask) {
        if ((*this)[index_[at]].target == target) return index_[at];
    }
    return std::nullopt;
}

void RecordStore::index_record(RecordId id) noexcept {
    const auto mask = static_cast<std::uint32_t>(index_.size() - 1);
    std::uint32_t at = home((*this)[id].target);
    while (index_[at] != no_record)
        at = (at + 1) & mask;
    index_[at] = id;
}

// Closes the gap at `at`, so that no search ends there (Knuth, TAOCP vol. 3, section 6.4, algorithm R).
void RecordStore::unindex(std::uint32_t at) noexcept {
    const auto mask = static_cast<std::uint32_t>(index_.size() - 1);
    for (std::uint32_t next = (at + 1) & mask; index_[next] != no_record; next = (next + 1) & mask) {
        const std::uint32_t wanted = home((*this)[index_[next]].target);
        if (((next - wanted) & mask) < ((next - at) & mask)) continue;
        index_[at] = index_[next];
        at = next;
    }
    index_[at] = no_record;
}

void RecordStore::grow(std::size_t places) {
    index_.assign(places, no_record);
    for (RecordId id = 0; id < end_; ++id) {
        if (in_use(id)) index_record(id);
    }
}

void RecordStore::reserve(std::size_t records) {
    const std::size_t places = std::bit_ceil(std::max<std::size_t>(2 * records, 64));
    if (places > index_.size()) grow(places);
}

RecordId RecordStore::create(const Prefix& target) {
    reserve(size_ + 1);
    RecordId id = free_;
    if (id != no_record) {
        free_ = (*this)[id].newer;
    } else {
        if (end_ % block_records == 0) blocks_.push_back(std::make_unique<Record[]>(block_records));
        id = end_++;
    }
    Record& record = (*this)[id];
    record = Record{};
    record.target = target;
    record.flags = record_in_use;
    index_record(id);
    link(id);
    ++size_;
    return id;
}

void RecordStore::erase(RecordId id) noexcept {
    const auto mask = static_cast<std::uint32_t>(index_.size() - 1);
    std::uint32_t at = home((*this)[id].target);
    while (index_[at] != id)
        at = (at + 1) & mask;
    unindex(at);
    unlink(id);
    (*this)[id].flags = 0;
    (*this)[id].newer = free_;
    free_ = id;
    --size_;
}

void RecordStore::link(RecordId id) noexcept {
    Record& record = (*this)[id];
    Ages& ages = ages_[table_of(record.target)];
    record.older = ages.youngest;
    record.newer = no_record;
    (ages.youngest != no_record ? (*this)[ages.youngest].newer : ages.oldest) = id;
    ages.youngest = id;
}

void RecordStore::unlink(RecordId id) noexcept {
    const Record& record = (*this)[id];
    Ages& ages = ages_[table_of(record.target)];
    (record.older != no_record ? (*this)[record.older].newer : ages.oldest) = record.newer;
    (record.newer != no_record ? (*this)[record.newer].older : ages.youngest) = record.older;
}

void RecordStore::touch(RecordId id) noexcept {
    unlink(id);
    link(id);
}

std::size_t RecordStore::memory_bytes() const noexcept {
    return blocks_.size() * block_records * sizeof(Record) + index_.capacity() * sizeof(RecordId);
}

}  // namespace gabion::ban
