// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/ban_book.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

namespace gabion::ban {
namespace {

template <std::size_t... I>
std::array<AddressSet, GABION_SET_COUNT> make_sets(const BanMemory& memory, const BookOptions& options,
                                                   std::index_sequence<I...>) {
    return {AddressSet(memory.set[I], memory.control->hash, options.limits[I])...};
}

template <std::size_t... I>
std::array<RecordStore, GABION_SET_COUNT> make_stores(const gabion_hash_key& hash, std::index_sequence<I...>) {
    return {((void)I, RecordStore(hash))...};
}

constexpr std::make_index_sequence<GABION_SET_COUNT> every_set;

bool evicts(gabion_set set) noexcept {
    return set == GABION_SET_DETECTOR || set == GABION_SET_QUARANTINE || set == GABION_SET_WATCH;
}

// Whether an entry takes service away from its target.
bool cuts_off(const Order& order) noexcept {
    if (order.set == GABION_SET_QUARANTINE) return (order.scope.flags & GABION_QUARANTINE_HOPS) == 0;
    return order.set == GABION_SET_DETECTOR;
}

Outcome failure(AddStatus status) noexcept {
    switch (status) {
        case AddStatus::at_capacity:
            return Outcome::at_capacity;
        case AddStatus::too_many_lengths:
            return Outcome::too_many_lengths;
        default:
            return Outcome::no_room;
    }
}

AddStatus status_of(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::at_capacity:
            return AddStatus::at_capacity;
        case Outcome::too_many_lengths:
            return AddStatus::too_many_lengths;
        default:
            return AddStatus::no_room;
    }
}

std::uint32_t clamp32(double value) noexcept {
    return value >= 4294967295.0 ? 0xffffffffu : static_cast<std::uint32_t>(std::max(value, 0.0));
}

}  // namespace

BanBook::BanBook(const BanMemory& memory, TickClock clock, BookOptions options)
    : memory_(memory),
      clock_(clock),
      sets_(make_sets(memory, options, every_set)),
      stores_(make_stores(memory.control->hash, every_set)),
      allow_bloom_(memory.control, memory.allow_bloom),
      prefix_map_(memory.prefix_map, memory.control->hash),
      offenders_(options.offenders, options.forgive_ns),
      blast_(options.blast_addresses, options.blast_window_ns),
      escalation_(options.escalation),
      history_max_(options.history) {}

std::uint32_t BanBook::value_for(gabion_set set, const Record& record, std::uint64_t now_ns) const noexcept {
    if (set == GABION_SET_ALLOW)
        return GABION_ALLOW_ENTRY | record.extra |
               ((record.flags & record_from_config) != 0 ? allow_value_from_config : 0);
    return clock_.expiry_at(record.until_ns, now_ns);
}

void BanBook::set_until(gabion_set set, Record& record, std::uint64_t until_ns) noexcept {
    timed_[set] -= record.until_ns != never_ns;
    timed_[set] += until_ns != never_ns;
    record.until_ns = until_ns;
    record.flags |= record_far;
}

void BanBook::set_detail(Record& record, DetailId detail) noexcept {
    details_.use(detail);
    details_.release(record.detail);
    record.detail = detail;
}

// Most orders of people are alike and tell nothing of their own: they share the detail number 0.
DetailId BanBook::detail_for(const Order& order) {
    if (order.shared_detail != 0) return order.shared_detail;
    if (order.evidence == nullptr && order.note.empty() && order.rate_pps <= 0 &&
        std::strcmp(order.reason, "operator") == 0 && std::strcmp(order.by, "operator") == 0)
        return 0;
    const DetailId id = details_.create();
    Detail& detail = details_[id];
    detail.reason = order.reason;
    detail.by = order.by;
    detail.note = order.note;
    detail.rate_pps = order.rate_pps;
    if (order.evidence != nullptr) detail.set_evidence(*order.evidence);
    return id;
}

bool BanBook::over(gabion_set set, const Prefix& target, std::uint64_t now_ns) const noexcept {
    const auto id = stores_[set].find(target);
    return id && stores_[set][*id].until_ns <= now_ns;
}

AddressSet::Claim BanBook::claim(const Order& order, std::uint64_t now_ns, bool may_evict) {
    AddressSet& set = sets_[order.set];
    AddressSet::Claim claimed = set.claim(order.target);
    if (claimed.status == AddStatus::updated && over(order.set, order.target, now_ns)) {
        end(order.set, *stores_[order.set].find(order.target), now_ns, "expired");
        claimed = set.claim(order.target);
    }
    const bool full = claimed.status == AddStatus::at_capacity || claimed.status == AddStatus::no_room;
    if (full && may_evict && evict_for(order, claimed.status, now_ns)) claimed = set.claim(order.target);
    return claimed;
}

bool BanBook::evict_for(const Order& order, AddStatus status, std::uint64_t now_ns) {
    if (!evicts(order.set)) return false;
    RecordStore& store = stores_[order.set];
    RecordId victim = no_record;
    if (status == AddStatus::at_capacity) {
        victim = store.oldest(order.target);
    } else {
        sets_[order.set].for_each_rival(order.target, [&](const Prefix& rival, Place) {
            const auto id = store.find(rival);
            if (id && (victim == no_record || store[*id].since_ns < store[victim].since_ns)) victim = *id;
        });
    }
    if (victim == no_record) return false;
    end(order.set, victim, now_ns, "evicted");
    ++counters_.evicted;
    return true;
}

// What the kernel keeps beside the entry, before it is in force.
void BanBook::fill_limits(const Order& order, const AddressSet::Claim& claim) noexcept {
    const bool is_new = claim.status == AddStatus::added;
    if (std::uint64_t* hits = sets_[order.set].hits(claim.place); hits != nullptr && is_new)
        std::atomic_ref(*hits).store(0, std::memory_order_relaxed);
    gabion_quarantine* const state = sets_[order.set].state(claim.place);
    if (state == nullptr) return;
    if (is_new) *state = gabion_quarantine{};
    const double tick = 65536.0;
    const double interval = order.rate_pps > 0 ? std::max(clock_.hz() * tick / order.rate_pps, 1.0) : 0;
    // Four packets, or what comes in 100 ms, may come at once: ordinary senders are bursty at that scale.
    const double burst = std::max(4 * interval, clock_.hz() * tick / 10);
    std::atomic_ref(state->interval).store(clamp32(interval), std::memory_order_relaxed);
    std::atomic_ref(state->burst).store(clamp32(burst), std::memory_order_relaxed);
    std::atomic_ref(state->flags).store(order.scope.flags, std::memory_order_relaxed);
    std::atomic_ref(state->protocol).store(order.scope.protocol, std::memory_order_relaxed);
    std::atomic_ref(state->destination_port).store(order.scope.destination_port, std::memory_order_relaxed);
    std::atomic_ref(state->ttl_low).store(order.scope.ttl_low, std::memory_order_relaxed);
    std::atomic_ref(state->ttl_high).store(order.scope.ttl_high, std::memory_order_relaxed);
}

Outcome BanBook::put(const Order& order, std::uint64_t now_ns, bool may_evict, Former* former) {
    const AddressSet::Claim claimed = claim(order, now_ns, may_evict);
    const bool is_new = claimed.status == AddStatus::added;
    if (!is_new && claimed.status != AddStatus::updated) return failure(claimed.status);
    fill_limits(order, claimed);
    if (order.set == GABION_SET_ALLOW) allow_bloom_.add(order.target);
    RecordStore& store = stores_[order.set];
    const RecordId id = is_new ? store.create(order.target) : *store.find(order.target);
    Record& record = store[id];
    if (is_new) {
        record.since_ns = now_ns;
        record.until_ns = never_ns;
        record.extra = 1;
    } else {
        store.touch(id);
        if (former != nullptr) {
            *former = {order.set, order.target, record.until_ns, record.detail};
            details_.use(record.detail);
        }
    }
    set_detail(record, detail_for(order));
    set_until(order.set, record, order.until_ns);
    if (order.set == GABION_SET_ALLOW) record.extra = order.skips;
    record.flags = record_in_use | record_far | (order.from_config ? record_from_config : std::uint8_t{0});
    sets_[order.set].publish(claimed, value_for(order.set, record, now_ns));
    ++generation_;
    return is_new ? Outcome::added : Outcome::extended;
}

Result<Outcome> BanBook::add(const Order& order, std::uint64_t now_ns, Former* former) {
    const Outcome outcome = put(order, now_ns, false, former);
    if (in_force(outcome)) return outcome;
    const std::uint32_t capacity = sets_[order.set].capacity(AddressSet::kind_of(order.target));
    return explain(status_of(outcome), order.target, capacity, capacity_key(order.set, !order.target.is_address()));
}

Outcome BanBook::apply(Order order, std::uint64_t duration_ns, std::uint64_t now_ns) {
    if (order.set != GABION_SET_WATCH && is_allowed(order.target)) {
        ++counters_.refused_allowed;
        return Outcome::refused_allowed;
    }
    if (cuts_off(order) && is_operators_ && is_operators_(order.target)) {
        ++counters_.refused_operator;
        return Outcome::refused_operator;
    }
    if (order.set == GABION_SET_QUARANTINE && !order.target.is_address())
        order.scope.flags |= GABION_QUARANTINE_SPARE_KNOWN;
    RecordStore& store = stores_[order.set];
    const auto present = store.find(order.target);
    const bool extends = present && store[*present].until_ns > now_ns;
    const bool offence = cuts_off(order);
    std::uint32_t multiplier = offence ? offenders_.multiplier(order.target, now_ns) : 1;
    if (extends) multiplier = std::max<std::uint32_t>(store[*present].extra, 1);
    if (offence && !extends && !blast_.take(order.target, now_ns)) {
        ++counters_.refused_radius;
        return Outcome::refused_radius;
    }
    order.until_ns = now_ns + duration_ns * multiplier;
    if (extends) order.until_ns = std::max(order.until_ns, store[*present].until_ns);
    const Outcome outcome = put(order, now_ns, true);
    if (!in_force(outcome)) {
        ++counters_.refused_full;
        if (offence && !extends) blast_.give_back(order.target);
        return outcome;
    }
    if (outcome == Outcome::added) {
        store[*store.find(order.target)].extra = static_cast<std::uint8_t>(multiplier);
        if (offence) offenders_.note_offence(order.target, now_ns, order.until_ns);
        escalate(order, now_ns);
    } else if (offence) {
        offenders_.note_end(order.target, order.until_ns);
    }
    return outcome;
}

bool BanBook::remove(gabion_set set, const Prefix& target, std::uint64_t now_ns) {
    const auto id = stores_[set].find(target);
    if (!id) return false;
    const bool in_force = stores_[set][*id].until_ns > now_ns;
    if (set == GABION_SET_DETECTOR || set == GABION_SET_QUARANTINE) offenders_.forgive(target);
    end(set, *id, now_ns, in_force ? "removed" : "expired");
    return in_force;
}

void BanBook::end(gabion_set set, RecordId id, std::uint64_t ended_ns, const char* how) {
    RecordStore& store = stores_[set];
    if (history_max_ > 0) {
        if (history_.size() >= history_max_) history_.pop_back();
        history_.push_front({describe(set, id), ended_ns, how});
    }
    if (store[id].until_ns > ended_ns && evicts(set)) offenders_.note_end(store[id].target, ended_ns);
    drop(set, id);
}

void BanBook::drop(gabion_set set, RecordId id) {
    RecordStore& store = stores_[set];
    sets_[set].remove(store[id].target);
    if (set == GABION_SET_ALLOW) allow_bloom_.note_removal();
    set_until(set, store[id], never_ns);
    set_detail(store[id], 0);
    store.erase(id);
    ++generation_;
}

bool BanBook::is_allowed(const Prefix& target) const {
    const AddressSet& allow = sets_[GABION_SET_ALLOW];
    if (allow.size() == 0) return false;
    if (allow.find(target)) return true;
    for (const std::uint8_t length : allow.lengths(target.family)) {
        if (length < target.length && allow.find(target.shortened(length))) return true;
    }
    if (target.is_address()) return false;
    const RecordStore& store = stores_[GABION_SET_ALLOW];
    for (RecordId id = 0; id < store.end(); ++id) {
        if (store.in_use(id) && target.contains(store[id].target)) return true;
    }
    return false;
}

}  // namespace gabion::ban
