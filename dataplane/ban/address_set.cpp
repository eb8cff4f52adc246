// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/address_set.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gabion::ban {
namespace {

// Above this share of its slots a table of buckets soon finds no room for some key.
constexpr std::size_t usable(std::size_t slots) { return slots - slots / 8; }

template <typename T>
void store(T& to, T value) noexcept {
    std::atomic_ref<T>(to).store(value, std::memory_order_release);
}

Prefix from_key_bytes(Prefix prefix, bool exact) noexcept {
    const unsigned width = prefix.width();
    prefix.length = static_cast<std::uint8_t>(width);
    if (exact) return prefix;
    for (unsigned byte = width / 8; byte-- > 0;) {
        if (prefix.bytes[byte] == 0) continue;
        const auto zeros = static_cast<unsigned>(std::countr_zero(prefix.bytes[byte]));
        return prefix.shortened(byte * 8 + 7 - zeros);
    }
    return prefix.shortened(0);
}

}  // namespace

Prefix prefix_of_key(std::uint32_t key, bool exact) noexcept {
    Prefix prefix;
    std::memcpy(prefix.bytes.data(), &key, sizeof key);
    return from_key_bytes(prefix, exact);
}

Prefix prefix_of_key(const std::array<std::uint32_t, 4>& key, bool exact) noexcept {
    Prefix prefix;
    prefix.family = Family::v6;
    std::memcpy(prefix.bytes.data(), key.data(), sizeof key);
    return from_key_bytes(prefix, exact);
}

Error explain(AddStatus status, const Prefix& target, std::uint32_t capacity, const char* config_key) {
    const std::string family = target.family == Family::v4 ? "IPv4 " : "IPv6 ";
    const std::string kind = family + (target.is_address() ? "addresses" : "prefixes");
    switch (status) {
        case AddStatus::at_capacity:
            return {target.text() + " does not fit: " + std::to_string(capacity) + " " + kind +
                        " are the limit; raise " + config_key + " and reload",
                    ENOSPC};
        case AddStatus::no_room:
            return {target.text() + " does not fit: the table of " + kind + " is too full; raise " + config_key +
                        " and reload",
                    ENOSPC};
        case AddStatus::too_many_lengths:
            return {target.text() + " does not fit: prefixes of more than " +
                        std::to_string(GABION_PREFIX_LENGTHS_MAX) +
                        " different lengths cannot be held at a time; use a length that is in use",
                    ENOSPC};
        default:
            return {target.text() + " is in force", 0};
    }
}

AddressSet::AddressSet(const SetMemory& memory, const gabion_hash_key& hash, SetLimits limits, Grace grace) noexcept
    : memory_(memory),
      grace_(grace),
      prefix_map_(memory.prefix_map, hash),
      exact4_(memory.exact4, hash),
      exact6_(memory.exact6, hash),
      prefix4_(memory.prefix4, hash),
      prefix6_(memory.prefix6, hash),
      lengths4_{memory.header->lengths4, &memory.header->length_count4, {}, false},
      lengths6_{memory.header->lengths6, &memory.header->length_count6, {}, false} {
    fit_limits(limits);
    for_each([&](const Prefix& prefix, Place, std::uint32_t) { ++lengths_of(prefix.family).entries[prefix.length]; });
}

void AddressSet::fit_limits(SetLimits limits) noexcept {
    limits_ = limits;
    const auto fit = [](std::uint32_t& limit, std::size_t slots) {
        limit = static_cast<std::uint32_t>(std::min<std::size_t>(limit, usable(slots)));
    };
    fit(limits_.exact4, exact4_.slots());
    fit(limits_.exact6, exact6_.slots());
    fit(limits_.prefix4, prefix4_.slots());
    fit(limits_.prefix6, prefix6_.slots());
}

TableKind AddressSet::kind_of(const Prefix& target) noexcept {
    if (target.is_address()) return target.family == Family::v4 ? TableKind::exact4 : TableKind::exact6;
    return target.family == Family::v4 ? TableKind::prefix4 : TableKind::prefix6;
}

std::uint32_t AddressSet::capacity(TableKind table) const noexcept {
    const std::array limits{limits_.exact4, limits_.exact6, limits_.prefix4, limits_.prefix6};
    return limits[static_cast<std::size_t>(table)];
}

std::uint32_t AddressSet::size(TableKind table) const noexcept {
    const std::array sizes{exact4_.size(), exact6_.size(), prefix4_.size(), prefix6_.size()};
    return sizes[static_cast<std::size_t>(table)];
}

std::uint32_t AddressSet::size() const noexcept {
    return exact4_.size() + exact6_.size() + prefix4_.size() + prefix6_.size();
}

void AddressSet::set_count(TableKind table, std::uint32_t count) noexcept {
    if (table == TableKind::exact4) store(memory_.header->exact4, count);
    if (table == TableKind::exact6) store(memory_.header->exact6, count);
}

std::optional<Place> AddressSet::find(const Prefix& target) const noexcept {
    const TableKind kind = kind_of(target);
    std::optional<std::uint32_t> index;
    if (target.family == Family::v4) {
        index = (target.is_address() ? exact4_ : prefix4_).find(target.key4());
    } else {
        index = (target.is_address() ? exact6_ : prefix6_).find(target.key6());
    }
    if (!index) return std::nullopt;
    return Place{kind, *index};
}

void AddressSet::prefetch(const Prefix& target) const noexcept {
    if (target.family == Family::v4) {
        (target.is_address() ? exact4_ : prefix4_).prefetch(target.key4());
    } else {
        (target.is_address() ? exact6_ : prefix6_).prefetch(target.key6());
    }
}

std::uint64_t AddressSet::place_in_table(const Prefix& target) const noexcept {
    if (target.family == Family::v4) return (target.is_address() ? exact4_ : prefix4_).place(target.key4());
    return (target.is_address() ? exact6_ : prefix6_).place(target.key6());
}

AddressSet::Claim AddressSet::claim(const Prefix& target) noexcept {
    const TableKind kind = kind_of(target);
    if (size(kind) >= capacity(kind)) {
        if (const auto present = find(target)) return {AddStatus::updated, *present};
        return {AddStatus::at_capacity, {}};
    }
    const auto take = [&](auto& table, const auto& key) -> Claim {
        const auto claimed = table.claim(key);
        if (!claimed) return {AddStatus::no_room, {}};
        if (!claimed->is_new) return {AddStatus::updated, {kind, claimed->index}};
        if (!target.is_address() && !need_length(lengths_of(target.family), target.length)) {
            table.abandon(*claimed);
            return {AddStatus::too_many_lengths, {}};
        }
        prefix_map_.note(memory_.set, target);
        return {AddStatus::added, {kind, claimed->index}};
    };
    Claim result = target.family == Family::v4 ? take(target.is_address() ? exact4_ : prefix4_, target.key4())
                                               : take(target.is_address() ? exact6_ : prefix6_, target.key6());
    if (result.status != AddStatus::added) return result;
    ++lengths_of(target.family).entries[target.length];
    set_count(kind, size(kind) + 1);
    return result;
}

void AddressSet::publish(const Claim& claim, std::uint32_t value) noexcept {
    const bool is_new = claim.status == AddStatus::added;
    switch (claim.place.table) {
        case TableKind::exact4:
            exact4_.publish({claim.place.index, is_new}, value);
            break;
        case TableKind::exact6:
            exact6_.publish({claim.place.index, is_new}, value);
            break;
        case TableKind::prefix4:
            prefix4_.publish({claim.place.index, is_new}, value);
            break;
        case TableKind::prefix6:
            prefix6_.publish({claim.place.index, is_new}, value);
            break;
    }
}

AddStatus AddressSet::add(const Prefix& target, std::uint32_t value) noexcept {
    const Claim claimed = claim(target);
    if (claimed.status == AddStatus::added || claimed.status == AddStatus::updated) publish(claimed, value);
    return claimed.status;
}

bool AddressSet::remove(const Prefix& target) noexcept {
    const bool exact = target.is_address();
    const bool removed = target.family == Family::v4 ? (exact ? exact4_ : prefix4_).erase(target.key4())
                                                     : (exact ? exact6_ : prefix6_).erase(target.key6());
    if (!removed) return false;
    --lengths_of(target.family).entries[target.length];
    if (!exact) lengths_of(target.family).removed = true;
    set_count(kind_of(target), size(kind_of(target)));
    return true;
}

std::uint32_t AddressSet::value(Place place) const noexcept {
    switch (place.table) {
        case TableKind::exact4:
            return exact4_.value(place.index);
        case TableKind::exact6:
            return exact6_.value(place.index);
        case TableKind::prefix4:
            return prefix4_.value(place.index);
        default:
            return prefix6_.value(place.index);
    }
}

void AddressSet::set_value(Place place, std::uint32_t value) noexcept { publish({AddStatus::updated, place}, value); }

AuditReport AddressSet::audit() {
    AuditReport total;
    const auto add = [&total](const AuditReport& part) {
        total.entries += part.entries;
        total.duplicates += part.duplicates;
        total.misplaced += part.misplaced;
        total.counters_corrected += part.counters_corrected;
    };
    add(exact4_.audit());
    add(exact6_.audit());
    add(prefix4_.audit());
    add(prefix6_.audit());
    lengths4_.entries = {};
    lengths6_.entries = {};
    for_each([&](const Prefix& prefix, Place, std::uint32_t) { ++lengths_of(prefix.family).entries[prefix.length]; });
    total.counters_corrected += memory_.header->exact4 != exact4_.size();
    total.counters_corrected += memory_.header->exact6 != exact6_.size();
    set_count(TableKind::exact4, exact4_.size());
    set_count(TableKind::exact6, exact6_.size());
    rebuild_lengths(lengths4_, 32);
    rebuild_lengths(lengths6_, 128);
    return total;
}

std::uint64_t* AddressSet::hits(Place place) const noexcept {
    const std::array sides{memory_.hits_exact4, memory_.hits_exact6, memory_.hits_prefix4, memory_.hits_prefix6};
    const auto side = sides[static_cast<std::size_t>(place.table)];
    return place.index < side.size() ? &side[place.index] : nullptr;
}

gabion_quarantine* AddressSet::state(Place place) const noexcept {
    const std::array sides{memory_.state_exact4, memory_.state_exact6, memory_.state_prefix4, memory_.state_prefix6};
    const auto side = sides[static_cast<std::size_t>(place.table)];
    return place.index < side.size() ? &side[place.index] : nullptr;
}

}  // namespace gabion::ban
