// SPDX-License-Identifier: Apache-2.0
// What user space remembers of each entry of one set, beside the entry in the kernel's table: 48 bytes a record in blocks that
// never move, and an index of 4 bytes a place, at most half full. A million records take about 56 MB and none takes memory before
// it is there. Records are named by number; numbers are reused, and walking them in order is a stable way to page
// through while records come and go. For one thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "bpf/abi/control.h"
#include "dataplane/core/address.h"

namespace gabion::ban {

using RecordId = std::uint32_t;
inline constexpr RecordId no_record = ~0u;

struct Record {
    Prefix target;
    std::uint8_t flags = 0;      // record_* below
    std::uint8_t extra = 0;      // allow list: GABION_SKIP_*; detectors' entries: the offender's multiplier
    std::uint32_t detail = 0;    // DetailPool
    std::uint64_t since_ns = 0;  // boot time
    std::uint64_t until_ns = 0;  // boot time, never_ns for ever
    RecordId older = no_record;  // neighbours in order of age, in the same table
    RecordId newer = no_record;
};
static_assert(sizeof(Record) == 48);

inline constexpr std::uint8_t record_in_use = 1;
inline constexpr std::uint8_t record_far = 4;          // may stand in the table without its end, which was too far off
inline constexpr std::uint8_t record_from_config = 2;  // written again from the configuration at each start: not saved
// The same, in the value of an allow entry in the kernel's table, where it outlives the daemon; no program looks at it.
inline constexpr std::uint32_t allow_value_from_config = 1u << 31;

class RecordStore {
public:
    explicit RecordStore(const gabion_hash_key& hash) noexcept : hash_(&hash) {}

    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] RecordId end() const noexcept { return end_; }  // numbers are below this
    [[nodiscard]] Record& operator[](RecordId id) noexcept { return blocks_[id / block_records][id % block_records]; }
    [[nodiscard]] const Record& operator[](RecordId id) const noexcept {
        return blocks_[id / block_records][id % block_records];
    }
    [[nodiscard]] bool in_use(RecordId id) const noexcept { return ((*this)[id].flags & record_in_use) != 0; }

    [[nodiscard]] std::optional<RecordId> find(const Prefix& target) const noexcept;

    // A record for a target that has none, as the youngest of its table.
    RecordId create(const Prefix& target);
    void erase(RecordId id) noexcept;

    // Makes the record the youngest.
    void touch(RecordId id) noexcept;
    [[nodiscard]] RecordId oldest(const Prefix& of_table_of) const noexcept {
        return ages_[table_of(of_table_of)].oldest;
    }

    void prefetch(const Prefix& target) const noexcept {
        if (!index_.empty()) __builtin_prefetch(&index_[home(target)], 1);
    }

    // Room in the index, so that adding that many grows nothing in between.
    void reserve(std::size_t records);

    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    static constexpr std::uint32_t block_records = 4096;
    struct Ages {
        RecordId oldest = no_record;
        RecordId youngest = no_record;
    };

    static std::size_t table_of(const Prefix& target) noexcept {
        return (target.family == Family::v4 ? 0u : 1u) + (target.is_address() ? 0u : 2u);
    }
    [[nodiscard]] std::uint32_t home(const Prefix& target) const noexcept;
    void index_record(RecordId id) noexcept;
    void unindex(std::uint32_t at) noexcept;
    void grow(std::size_t places);
    void link(RecordId id) noexcept;
    void unlink(RecordId id) noexcept;

    const gabion_hash_key* hash_;
    std::vector<std::unique_ptr<Record[]>> blocks_;
    std::vector<RecordId> index_;  // power of two; linear probing
    std::array<Ages, 4> ages_;
    RecordId end_ = 0;
    RecordId free_ = no_record;  // linked by `newer`
    std::uint32_t size_ = 0;
};

}  // namespace gabion::ban
