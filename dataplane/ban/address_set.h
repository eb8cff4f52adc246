// SPDX-License-Identifier: Apache-2.0
// One set of bpf/abi/table.h: the tables for addresses and for prefixes of both families, with the header that tells the kernel
// which of them may be skipped. Counts and prefix lengths are raised before an entry is in force and lowered after it is gone.
// For one thread. What cannot be added is told by a value; `explain` makes a sentence of it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "dataplane/ban/address_table.h"
#include "dataplane/ban/memory.h"
#include "dataplane/core/address.h"

namespace gabion::ban {

// Entries that each table may hold, for the operator to choose; a table has room for about 7/8 of its slots in any case.
struct SetLimits {
    std::uint32_t exact4 = ~0u;
    std::uint32_t exact6 = ~0u;
    std::uint32_t prefix4 = ~0u;
    std::uint32_t prefix6 = ~0u;
};

enum class AddStatus : std::uint8_t {
    added,
    updated,
    at_capacity,       // the table holds as many entries as it may
    no_room,           // all buckets in which the entry may stand are full
    too_many_lengths,  // more than GABION_PREFIX_LENGTHS_MAX different prefix lengths
};

// A sentence for an operator; `config_key` is what raises the limit.
Error explain(AddStatus status, const Prefix& target, std::uint32_t capacity, const char* config_key);

enum class TableKind : std::uint8_t { exact4, exact6, prefix4, prefix6 };

struct Place {
    TableKind table = TableKind::exact4;
    std::uint32_t index = 0;
};

// Returns when every look-up that was under way has ended. The kernel's run to their end undisturbed, so a few milliseconds do.
using Grace = void (*)();
void sleep_a_grace() noexcept;

class AddressSet {
public:
    AddressSet(const SetMemory& memory, const gabion_hash_key& hash, SetLimits limits = {},
               Grace grace = sleep_a_grace) noexcept;

    struct Claim {
        AddStatus status = AddStatus::no_room;
        Place place;
    };

    // As AddressTable::claim and publish: between the two, `hits` and `state` of the place may be filled.
    Claim claim(const Prefix& target) noexcept;
    void publish(const Claim& claim, std::uint32_t value) noexcept;

    AddStatus add(const Prefix& target, std::uint32_t value) noexcept;
    bool remove(const Prefix& target) noexcept;

    void prefetch(const Prefix& target) const noexcept;
    // Where in its table the target has its home, as a fraction of 2^32.
    [[nodiscard]] std::uint64_t place_in_table(const Prefix& target) const noexcept;
    [[nodiscard]] std::optional<Place> find(const Prefix& target) const noexcept;
    [[nodiscard]] std::uint32_t value(Place place) const noexcept;
    void set_value(Place place, std::uint32_t value) noexcept;

    // What the kernel keeps beside an entry; nullptr when this set keeps no such thing.
    [[nodiscard]] std::uint64_t* hits(Place place) const noexcept;
    [[nodiscard]] gabion_quarantine* state(Place place) const noexcept;

    [[nodiscard]] std::uint32_t size() const noexcept;
    [[nodiscard]] std::uint32_t capacity(TableKind table) const noexcept;
    [[nodiscard]] std::uint32_t size(TableKind table) const noexcept;
    static TableKind kind_of(const Prefix& target) noexcept;

    // Prefix lengths in use, longest first; some may be in the list without an entry, or twice.
    [[nodiscard]] std::span<const std::uint8_t> lengths(Family family) const noexcept {
        const Lengths& of = family == Family::v4 ? lengths4_ : lengths6_;
        return {of.list, *of.count};
    }

    // Calls visit(prefix, place, value) for each entry, in no order.
    template <typename Visit>
    void for_each(Visit&& visit) const;

    // Calls visit(prefix, place) for the entries of which one must go when `claim` says no_room.
    template <typename Visit>
    void for_each_rival(const Prefix& target, Visit&& visit) const;

    // At start: puts right what a killed writer left. No valid entry is out of sight at any moment.
    AuditReport audit();

    // Calls visit(prefix) for each prefix of a family.
    template <typename Visit>
    void for_each_prefix(Family family, Visit&& visit) const;

    // Whether prefixes of a family were removed since the last call: their bits are still in the prefix map.
    bool take_removed(Family family) noexcept { return std::exchange(lengths_of(family).removed, false); }

    // The same set in other memory: tables that lie elsewhere there, and must be empty, get what is in force here; all else, the header
    // too, stays shared with this one. Neither set may change until one of them is dropped. Hits begin at 0 there: see add_hits_of.
    // On failure what did not fit.
    struct Misfit {
        AddStatus status = AddStatus::no_room;
        Prefix target;
    };
    [[nodiscard]] std::variant<AddressSet, Misfit> copy_to(const SetMemory& memory, SetLimits limits) const;
    // Once no program works on `former`'s tables any more: what they counted is counted here.
    void add_hits_of(const AddressSet& former) noexcept;

    // Takes a prefix length that is no longer in use out of the kernel's list, in steps: one a call, and calls at least some
    // milliseconds apart, so that no look-up that is under way skips a length. Returns whether more is to do.
    bool compact_lengths() noexcept;

private:
    struct Lengths {
        std::uint8_t* list;
        std::uint32_t* count;
        std::array<std::uint32_t, 129> entries{};  // by length
        bool removed = false;
    };

    [[nodiscard]] Lengths& lengths_of(Family family) noexcept { return family == Family::v4 ? lengths4_ : lengths6_; }
    bool need_length(Lengths& lengths, std::uint8_t length) noexcept;
    bool compact(Lengths& lengths) noexcept;
    void rebuild_lengths(Lengths& lengths, unsigned width) noexcept;
    void set_count(TableKind table, std::uint32_t count) noexcept;
    void fit_limits(SetLimits limits) noexcept;

    SetMemory memory_;
    SetLimits limits_;
    Grace grace_;
    PrefixMap prefix_map_;
    Table4 exact4_;
    Table6 exact6_;
    Table4 prefix4_;
    Table6 prefix6_;
    Lengths lengths4_;
    Lengths lengths6_;
};

// The prefix that a key stands for. `exact` tells an address from a prefix.
Prefix prefix_of_key(std::uint32_t key, bool exact) noexcept;
Prefix prefix_of_key(const std::array<std::uint32_t, 4>& key, bool exact) noexcept;

template <typename Visit>
void AddressSet::for_each(Visit&& visit) const {
    const auto walk = [&](const auto& table, TableKind kind, bool exact) {
        table.for_each([&](std::uint32_t index, const auto& key, std::uint32_t value) {
            visit(prefix_of_key(key, exact), Place{kind, index}, value);
        });
    };
    walk(exact4_, TableKind::exact4, true);
    walk(exact6_, TableKind::exact6, true);
    walk(prefix4_, TableKind::prefix4, false);
    walk(prefix6_, TableKind::prefix6, false);
}

template <typename Visit>
void AddressSet::for_each_prefix(Family family, Visit&& visit) const {
    const auto walk = [&](const auto& table) {
        table.for_each([&](std::uint32_t, const auto& key, std::uint32_t) { visit(prefix_of_key(key, false)); });
    };
    if (family == Family::v4) {
        walk(prefix4_);
    } else {
        walk(prefix6_);
    }
}

template <typename Visit>
void AddressSet::for_each_rival(const Prefix& target, Visit&& visit) const {
    const TableKind kind = kind_of(target);
    const bool exact = target.is_address();
    const auto report = [&](std::uint32_t index, const auto& key) {
        visit(prefix_of_key(key, exact), Place{kind, index});
    };
    if (target.family == Family::v4) {
        (exact ? exact4_ : prefix4_).for_each_rival(target.key4(), report);
    } else {
        (exact ? exact6_ : prefix6_).for_each_rival(target.key6(), report);
    }
}

}  // namespace gabion::ban
