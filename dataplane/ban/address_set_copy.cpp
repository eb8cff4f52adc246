// SPDX-License-Identifier: Apache-2.0
// A set in tables of another size, beside those that the kernel reads.
#include "dataplane/ban/address_set.h"

namespace gabion::ban {
namespace {

template <typename T>
bool same(std::span<T> one, std::span<T> other) noexcept {
    return one.data() == other.data() && one.size() == other.size();
}

template <typename Count>
void raise(Count& to, Count from) noexcept {
    if (from != 0) std::atomic_ref(to).fetch_add(from, std::memory_order_relaxed);
}

// Where a source is in its schedule goes on; what was counted is added when counting here has ended.
gabion_quarantine without_counts(gabion_quarantine state) noexcept {
    state.hits = state.passed = 0;
    return state;
}

}  // namespace

std::variant<AddressSet, AddressSet::Misfit> AddressSet::copy_to(const SetMemory& memory, SetLimits limits) const {
    AddressSet copy = *this;
    copy.memory_ = memory;
    copy.prefix_map_.move_to(memory.prefix_map);
    std::optional<Misfit> misfit;
    const auto fill = [&](auto& to, const auto& from, auto here, auto there, TableKind kind) {
        if (same(here, there) || misfit) return;
        to = from.of_same_keys(there);
        from.for_each([&](std::uint32_t index, const auto& key, std::uint32_t value) {
            const auto claimed = misfit ? std::nullopt : to.claim(key);
            const bool exact = kind == TableKind::exact4 || kind == TableKind::exact6;
            if (!claimed) {
                if (!misfit) misfit = Misfit{AddStatus::no_room, prefix_of_key(key, exact)};
                return;
            }
            gabion_quarantine* const state = copy.state({kind, claimed->index});
            if (state != nullptr) *state = without_counts(*this->state({kind, index}));
            to.publish(*claimed, value);
        });
    };
    fill(copy.exact4_, exact4_, memory_.exact4, memory.exact4, TableKind::exact4);
    fill(copy.exact6_, exact6_, memory_.exact6, memory.exact6, TableKind::exact6);
    fill(copy.prefix4_, prefix4_, memory_.prefix4, memory.prefix4, TableKind::prefix4);
    fill(copy.prefix6_, prefix6_, memory_.prefix6, memory.prefix6, TableKind::prefix6);
    copy.fit_limits(limits);
    for (const TableKind kind : {TableKind::exact4, TableKind::exact6, TableKind::prefix4, TableKind::prefix6}) {
        if (misfit || size(kind) <= copy.capacity(kind)) continue;
        Misfit found{AddStatus::at_capacity, {}};
        for_each([&](const Prefix& prefix, Place place, std::uint32_t) {
            if (place.table == kind) found.target = prefix;
        });
        misfit = found;
    }
    if (misfit) return *misfit;
    return copy;
}

void AddressSet::add_hits_of(const AddressSet& former) noexcept {
    const auto add_table = [&](const auto& to, const auto& from, auto here, auto there, TableKind kind) {
        if (same(here, there)) return;
        from.for_each([&](std::uint32_t index, const auto& key, std::uint32_t) {
            const auto place = to.find(key);
            if (!place) return;
            if (std::uint64_t* const counted = former.hits({kind, index})) raise(*hits({kind, *place}), *counted);
            if (const gabion_quarantine* const counted = former.state({kind, index})) {
                gabion_quarantine* const state = this->state({kind, *place});
                raise(state->hits, counted->hits);
                raise(state->passed, counted->passed);
            }
        });
    };
    add_table(exact4_, former.exact4_, memory_.exact4, former.memory_.exact4, TableKind::exact4);
    add_table(exact6_, former.exact6_, memory_.exact6, former.memory_.exact6, TableKind::exact6);
    add_table(prefix4_, former.prefix4_, memory_.prefix4, former.memory_.prefix4, TableKind::prefix4);
    add_table(prefix6_, former.prefix6_, memory_.prefix6, former.memory_.prefix6, TableKind::prefix6);
}

}  // namespace gabion::ban
