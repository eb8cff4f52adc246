// SPDX-License-Identifier: Apache-2.0
// What the ban book tells.
#include <algorithm>

#include "dataplane/ban/ban_book.h"

namespace gabion::ban {

const char* name_of(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::added:
            return "added";
        case Outcome::extended:
            return "extended";
        case Outcome::refused_allowed:
            return "refused: on the allow list";
        case Outcome::refused_operator:
            return "refused: the operator's own session";
        case Outcome::refused_unproven:
            return "refused: nothing proves the source";
        case Outcome::refused_known:
            return "refused: known sources in it";
        case Outcome::refused_radius:
            return "refused: too many cut off already";
        case Outcome::at_capacity:
            return "refused: at capacity";
        case Outcome::no_room:
            return "refused: no room in the table";
        case Outcome::too_many_lengths:
            return "refused: too many prefix lengths";
        case Outcome::count:
            break;
    }
    return "";
}

const char* name_of(gabion_set set) noexcept {
    switch (set) {
        case GABION_SET_ALLOW:
            return "allow";
        case GABION_SET_OPERATOR:
            return "operator";
        case GABION_SET_DETECTOR:
            return "detector";
        case GABION_SET_QUARANTINE:
            return "quarantine";
        case GABION_SET_WATCH:
            return "watch";
        default:
            return "";
    }
}

const char* capacity_key(gabion_set set, bool prefixes) noexcept {
    switch (set) {
        case GABION_SET_ALLOW:
            return "[allow] capacity";
        case GABION_SET_OPERATOR:
            return prefixes ? "[bans] prefix_capacity" : "[bans] capacity";
        case GABION_SET_DETECTOR:
            return "[bans] detector_capacity";
        case GABION_SET_QUARANTINE:
            return "[bans] quarantine_capacity";
        default:
            return "[bans] watch_capacity";
    }
}

Result<void> check_width(const Prefix& target, bool force) {
    const unsigned shortest = target.family == Family::v4 ? 8 : 16;
    if (force || target.length >= shortest) return {};
    return Error{target.text() + " holds a large part of all addresses; prefixes shorter than /" +
                     std::to_string(shortest) + " are refused unless forced (--force)",
                 EINVAL};
}

Entry BanBook::describe(gabion_set set, RecordId id) const {
    const Record& record = stores_[set][id];
    const Detail& detail = details_[record.detail];
    Entry entry;
    entry.set = set;
    entry.target = record.target;
    entry.reason = detail.reason;
    entry.by = record.detail == 0 ? "operator" : detail.by;
    entry.note = detail.note;
    entry.since_ns = record.since_ns;
    entry.until_ns = record.until_ns;
    entry.rate_pps = detail.rate_pps;
    entry.from_config = (record.flags & record_from_config) != 0;
    entry.has_evidence = detail.has_evidence;
    if (detail.has_evidence) entry.evidence = detail.evidence();
    if (set == GABION_SET_ALLOW) entry.skips = record.extra;
    if (set == GABION_SET_DETECTOR || set == GABION_SET_QUARANTINE) entry.multiplier = record.extra;
    const auto place = sets_[set].find(record.target);
    if (!place) return entry;
    if (std::uint64_t* hits = sets_[set].hits(*place))
        entry.hits = std::atomic_ref(*hits).load(std::memory_order_relaxed);
    if (gabion_quarantine* state = sets_[set].state(*place)) {
        entry.hits = std::atomic_ref(state->hits).load(std::memory_order_relaxed);
        entry.passed = std::atomic_ref(state->passed).load(std::memory_order_relaxed);
    }
    return entry;
}

BanBook::Cursor BanBook::list(gabion_set set, Cursor from, std::size_t count, std::uint64_t now_ns,
                              const Visit& visit) const {
    const RecordStore& store = stores_[set];
    for (Cursor id = from; id < store.end(); ++id) {
        const auto record = static_cast<RecordId>(id);
        if (!store.in_use(record) || store[record].until_ns <= now_ns) continue;
        if (count == 0) return id;
        visit(describe(set, record));
        --count;
    }
    return 0;
}

std::optional<Entry> BanBook::find(gabion_set set, const Prefix& target) const {
    const auto id = stores_[set].find(target);
    if (!id) return std::nullopt;
    return describe(set, *id);
}

std::vector<Entry> BanBook::covering(const Prefix& target, std::uint64_t now_ns) const {
    std::vector<Entry> found;
    for (unsigned i = 0; i < GABION_SET_COUNT; ++i) {
        const auto set = static_cast<gabion_set>(i);
        const auto take = [&](const Prefix& prefix) {
            const auto id = stores_[i].find(prefix);
            if (id && stores_[i][*id].until_ns > now_ns) found.push_back(describe(set, *id));
        };
        take(target);
        unsigned last = target.length;
        for (const std::uint8_t length : sets_[i].lengths(target.family)) {
            if (length >= last) continue;
            last = length;
            take(target.shortened(length));
        }
    }
    return found;
}

std::vector<EndedEntry> BanBook::history(const Prefix& target) const {
    std::vector<EndedEntry> found;
    std::copy_if(history_.begin(), history_.end(), std::back_inserter(found),
                 [&](const EndedEntry& ended) { return ended.entry.target.contains(target); });
    return found;
}

std::uint32_t BanBook::offence_multiplier(const Prefix& target, std::uint64_t now_ns) const {
    return offenders_.multiplier(target, now_ns);
}

std::size_t BanBook::memory_bytes() const noexcept {
    std::size_t bytes = 0;
    for (const RecordStore& store : stores_)
        bytes += store.memory_bytes();
    return bytes;
}

}  // namespace gabion::ban
