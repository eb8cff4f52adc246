// SPDX-License-Identifier: Apache-2.0
// The ban book's tables in other sizes, without a gap: copied beside those in force while nothing changes, exchanged when the programs
// that read them are in place. Records, evidence and offenders are the book's own and stay where they are.
#include <utility>

#include "dataplane/ban/ban_book.h"

namespace gabion::ban {
namespace {

Error too_small(const AddressSet& set, const SetLimits& limits, gabion_set which, const AddressSet::Misfit& misfit) {
    const TableKind kind = AddressSet::kind_of(misfit.target);
    const std::array wanted{limits.exact4, limits.exact6, limits.prefix4, limits.prefix6};
    const std::string family = misfit.target.family == Family::v4 ? " IPv4 " : " IPv6 ";
    return {std::string(capacity_key(which, !misfit.target.is_address())) + ": " + std::to_string(set.size(kind)) +
                family + (misfit.target.is_address() ? "addresses" : "prefixes") + " are in force (" + name_of(which) +
                "), which find no room in a table of " + std::to_string(wanted[static_cast<std::size_t>(kind)]),
            ENOSPC};
}

}  // namespace

Result<OtherTables> BanBook::copy_to(const BanMemory& memory,
                                     const std::array<SetLimits, GABION_SET_COUNT>& limits) const {
    OtherTables others{memory, sets_, allow_bloom_, prefix_map_};
    for (unsigned i = 0; i < GABION_SET_COUNT; ++i) {
        auto copied = sets_[i].copy_to(memory.set[i], limits[i]);
        if (const auto* misfit = std::get_if<AddressSet::Misfit>(&copied))
            return too_small(sets_[i], limits[i], static_cast<gabion_set>(i), *misfit);
        others.sets[i] = std::get<AddressSet>(std::move(copied));
    }
    if (memory.allow_bloom.data() != memory_.allow_bloom.data()) {
        others.allow_bloom = AllowBloom(memory.control, memory.allow_bloom);
        others.sets[GABION_SET_ALLOW].for_each(
            [&](const Prefix& target, Place, std::uint32_t) { others.allow_bloom.add(target); });
    }
    others.prefix_map.move_to(memory.prefix_map);
    if (memory.prefix_map.map4.data() != memory_.prefix_map.map4.data())
        others.prefix_map.remake(Family::v4, others.sets);
    if (memory.prefix_map.map6.data() != memory_.prefix_map.map6.data())
        others.prefix_map.remake(Family::v6, others.sets);
    return others;
}

void BanBook::exchange(OtherTables& others) noexcept {
    std::swap(memory_, others.memory);
    std::swap(sets_, others.sets);
    std::swap(allow_bloom_, others.allow_bloom);
    std::swap(prefix_map_, others.prefix_map);
}

void BanBook::add_hits_of(const OtherTables& former) noexcept {
    for (unsigned i = 0; i < GABION_SET_COUNT; ++i)
        sets_[i].add_hits_of(former.sets[i]);
}

}  // namespace gabion::ban
