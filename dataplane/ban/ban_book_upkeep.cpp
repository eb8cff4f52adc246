// SPDX-License-Identifier: Apache-2.0
// The ban book's start, its sweeps, and what is replaced as a whole.
#include <algorithm>
#include <unordered_set>

#include "dataplane/ban/ban_book.h"

namespace gabion::ban {
namespace {

// What removed prefixes leave in the prefix map costs look-ups, no more; making it anew takes some ms.
constexpr std::uint64_t prefix_map_rest_ns = 10'000'000'000;

}  // namespace

AuditReport BanBook::recover(std::uint64_t now_ns) {
    AuditReport total;
    recovered_ = details_.create();
    details_[recovered_].reason = "recovered";
    details_[recovered_].by = "previous run";
    details_.use(recovered_);  // for good: every start may need it
    for (unsigned i = 0; i < GABION_SET_COUNT; ++i) {
        const AuditReport report = sets_[i].audit();
        total.entries += report.entries;
        total.duplicates += report.duplicates;
        total.misplaced += report.misplaced;
        total.counters_corrected += report.counters_corrected;
        recover_set(static_cast<gabion_set>(i), now_ns);
    }
    allow_bloom_.rebuild(sets_[GABION_SET_ALLOW]);
    prefix_map_.remake(Family::v4, sets_);
    prefix_map_.remake(Family::v6, sets_);
    prefix_map_made_ns_ = now_ns;
    return total;
}

void BanBook::recover_set(gabion_set set, std::uint64_t now_ns) {
    const bool detectors = set != GABION_SET_OPERATOR && set != GABION_SET_ALLOW;
    // An entry for longer than the kernel can tell had at least this long to go when it was made.
    const std::uint64_t far_ns = now_ns + GABION_EXPIRY_AHEAD_MAX * clock_.tick_ns();
    std::vector<Prefix> ended;
    stores_[set].reserve(sets_[set].size());
    sets_[set].for_each([&](const Prefix& target, Place place, std::uint32_t value) {
        if (set != GABION_SET_ALLOW && !clock_.in_force(value, now_ns)) {
            ended.push_back(target);
            return;
        }
        Record& record = stores_[set][stores_[set].create(target)];
        record.since_ns = now_ns;
        record.until_ns = never_ns;
        record.extra = 1;
        set_detail(record, recovered_);
        if (set == GABION_SET_ALLOW) {
            record.extra = static_cast<std::uint8_t>(value & GABION_SKIP_ALL);
            // Such a one goes when the configuration that is applied does not have it. What a person added stays, also when the daemon was
            // killed before the state file had it.
            if ((value & allow_value_from_config) != 0) record.flags |= record_from_config;
            return;
        }
        if (value != GABION_FOREVER) set_until(set, record, clock_.boot_ns_of(value, now_ns));
        if (value == GABION_FOREVER && detectors) set_until(set, record, far_ns);
        if (const gabion_quarantine* state = sets_[set].state(place); state != nullptr && state->interval != 0) {
            const DetailId detail = details_.create();
            details_[detail].reason = details_[recovered_].reason;
            details_[detail].by = details_[recovered_].by;
            details_[detail].rate_pps = clock_.hz() * 65536.0 / state->interval;
            set_detail(record, detail);
        }
    });
    for (const Prefix& target : ended)
        sets_[set].remove(target);
}

Outcome BanBook::restore(const Restored& entry, std::uint64_t now_ns) {
    RecordStore& store = stores_[entry.set];
    AddressSet& set = sets_[entry.set];
    if (const auto present = store.find(entry.target)) {
        Record& record = store[*present];
        record.since_ns = std::min(record.since_ns, entry.since_ns);
        record.extra = entry.extra;
        record.flags = record_in_use | record_far | entry.flags;
        set_detail(record, entry.detail);
        // The table knows better, unless the time was too long for it.
        if (set.value(*set.find(entry.target)) == GABION_FOREVER) set_until(entry.set, record, entry.until_ns);
        return Outcome::extended;
    }
    Order order;
    order.set = entry.set;
    order.target = entry.target;
    order.until_ns = entry.until_ns;
    order.skips = entry.extra;
    order.rate_pps = details_[entry.detail].rate_pps;
    order.scope = entry.scope;
    const Outcome outcome = put(order, now_ns, false);
    if (!in_force(outcome)) return outcome;
    Record& record = store[*store.find(entry.target)];
    record.since_ns = entry.since_ns;
    record.extra = entry.extra;
    record.flags = record_in_use | record_far | entry.flags;
    set_detail(record, entry.detail);
    return outcome;
}

std::size_t BanBook::sweep(std::uint64_t now_ns, std::size_t records) {
    std::size_t ended = 0;
    for (unsigned i = 0; i < GABION_SET_COUNT; ++i) {
        if (timed_[i] != 0) ended += sweep_set(static_cast<gabion_set>(i), now_ns, records);
        sets_[i].compact_lengths();
    }
    if (allow_bloom_.stale()) allow_bloom_.rebuild(sets_[GABION_SET_ALLOW]);
    tidy_prefix_map(now_ns);
    return ended;
}

// One family a call.
void BanBook::tidy_prefix_map(std::uint64_t now_ns) {
    for (AddressSet& set : sets_) {
        stale_prefixes4_ |= set.take_removed(Family::v4);
        stale_prefixes6_ |= set.take_removed(Family::v6);
    }
    if (!(stale_prefixes4_ || stale_prefixes6_) || now_ns - prefix_map_made_ns_ < prefix_map_rest_ns) return;
    bool& stale = stale_prefixes4_ ? stale_prefixes4_ : stale_prefixes6_;
    prefix_map_.remake(stale_prefixes4_ ? Family::v4 : Family::v6, sets_);
    stale = false;
    if (!stale_prefixes6_) prefix_map_made_ns_ = now_ns;
}

// Goes round: up to `records` of them, from where the last sweep stopped. Entries that were too long for the kernel to
// tell get their real expiry long before it comes.
std::size_t BanBook::sweep_set(gabion_set set, std::uint64_t now_ns, std::size_t& records) {
    RecordStore& store = stores_[set];
    std::size_t ended = 0;
    const std::size_t count = std::min<std::size_t>(records, store.end());
    for (std::size_t i = 0; i < count; ++i) {
        const RecordId id = swept_[set] < store.end() ? swept_[set] : 0;
        swept_[set] = id + 1;
        if (!store.in_use(id) || store[id].until_ns == never_ns) continue;
        if (store[id].until_ns <= now_ns) {
            end(set, id, store[id].until_ns, "expired");
            ++ended;
            continue;
        }
        const std::uint64_t left_ns = store[id].until_ns - now_ns;
        if ((store[id].flags & record_far) != 0 && left_ns < GABION_EXPIRY_AHEAD_MAX / 2 * clock_.tick_ns()) {
            store[id].flags &= static_cast<std::uint8_t>(~record_far);
            const auto place = sets_[set].find(store[id].target);
            if (place && sets_[set].value(*place) == GABION_FOREVER)
                sets_[set].set_value(*place, clock_.expiry_at(store[id].until_ns, now_ns));
        }
    }
    records -= count;
    return ended;
}

void BanBook::resample(TickSample sample, std::uint64_t now_ns) {
    if (clock_.resample(sample) <= 1) return;
    for (unsigned i = 0; i < GABION_SET_COUNT; ++i) {
        const auto set = static_cast<gabion_set>(i);
        if (timed_[i] == 0) continue;
        for (RecordId id = 0; id < stores_[i].end(); ++id) {
            if (!stores_[i].in_use(id) || stores_[i][id].until_ns == never_ns) continue;
            if (const auto place = sets_[i].find(stores_[i][id].target))
                sets_[i].set_value(*place, value_for(set, stores_[i][id], now_ns));
        }
    }
}

DetailId BanBook::share_detail(const Order& order) {
    const DetailId detail = detail_for(order);
    details_.use(detail);
    return detail;
}

void BanBook::put_back(const Former& former, std::uint64_t now_ns) {
    if (const auto id = stores_[former.set].find(former.target)) {
        Record& record = stores_[former.set][*id];
        set_until(former.set, record, former.until_ns);
        set_detail(record, former.detail);
        if (const auto place = sets_[former.set].find(former.target))
            sets_[former.set].set_value(*place, value_for(former.set, record, now_ns));
    }
    forget(former);
}

void BanBook::withdraw(gabion_set set, const Prefix& target) {
    if (const auto id = stores_[set].find(target)) drop(set, *id);
}

Result<void> BanBook::replace_config_allow(std::span<const Prefix> targets, std::uint64_t now_ns) {
    const RecordStore& store = stores_[GABION_SET_ALLOW];
    std::vector<Prefix> added;
    for (const Prefix& target : targets) {
        // What a person added stays as it is, and stays when it leaves the configuration.
        if (const auto id = store.find(target); id && (store[*id].flags & record_from_config) == 0) continue;
        Order order;
        order.set = GABION_SET_ALLOW;
        order.target = target;
        order.reason = "configuration";
        order.by = "configuration";
        order.from_config = true;
        const auto outcome = add(order, now_ns);
        if (!outcome) {
            for (const Prefix& undone : added)
                remove(GABION_SET_ALLOW, undone, now_ns);
            return outcome.error();
        }
        if (*outcome == Outcome::added) added.push_back(target);
    }
    const std::unordered_set<Prefix, PrefixHash> wanted(targets.begin(), targets.end());
    std::vector<Prefix> gone;
    for (RecordId id = 0; id < store.end(); ++id) {
        if (store.in_use(id) && (store[id].flags & record_from_config) != 0 && wanted.count(store[id].target) == 0)
            gone.push_back(store[id].target);
    }
    for (const Prefix& target : gone)
        remove(GABION_SET_ALLOW, target, now_ns);
    return {};
}

}  // namespace gabion::ban
