// SPDX-License-Identifier: Apache-2.0
// The authority about every entry in the sets: what is in force, why, since and until when, and what came before. It writes the
// kernel's tables (AddressSet) and keeps a record beside each entry. There is a record exactly where there is an entry.
//
// For one thread, the control loop. Nothing here waits or calls the kernel, except that a new prefix length may
// wait some milliseconds (prefix_lengths.cpp). Orders of people are answered with a sentence (`add`), those of
// detectors with a value (`apply`). Tiers are kept apart: only detectors' own entries give way to newer ones, oldest first;
// what an operator put in force stays.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/ban/address_set.h"
#include "dataplane/ban/bloom.h"
#include "dataplane/ban/detail_pool.h"
#include "dataplane/ban/entry.h"
#include "dataplane/ban/escalation.h"
#include "dataplane/ban/offenders.h"
#include "dataplane/ban/record_store.h"
#include "dataplane/core/clock.h"

namespace gabion::ban {

struct BookOptions {
    std::array<SetLimits, GABION_SET_COUNT> limits{};
    std::uint64_t blast_addresses = 20000;  // that detectors may cut off in ...
    std::uint64_t blast_window_ns = 60'000'000'000;
    EscalationSettings escalation;
    std::size_t offenders = 65536;
    std::uint64_t forgive_ns = 3600'000'000'000;
    std::size_t history = 1000;  // ended entries that `gabion why` still tells of
};

struct BookCounters {
    std::uint64_t refused_allowed = 0;
    std::uint64_t refused_operator = 0;
    std::uint64_t refused_radius = 0;
    std::uint64_t evicted = 0;
    std::uint64_t refused_full = 0;
};

// The book's tables in other memory, made beside those in force; after BanBook::exchange, those that were in force before.
struct OtherTables {
    BanMemory memory;
    std::array<AddressSet, GABION_SET_COUNT> sets;
    AllowBloom allow_bloom;
    PrefixMap prefix_map;
};

class BanBook {
public:
    using Cursor = std::uint64_t;
    using Visit = std::function<void(const Entry&)>;

    BanBook(const BanMemory& memory, TickClock clock, BookOptions options = {});

    // At start, before anything else: puts the tables right after a killed writer, and takes what they hold into the book with
    // the reason "recovered". state_file.h then gives back what was known of it.
    AuditReport recover(std::uint64_t now_ns);

    // How an entry was before it was added again; see put_back.
    struct Former {
        gabion_set set = GABION_SET_OPERATOR;
        Prefix target;
        std::uint64_t until_ns = 0;
        DetailId detail = 0;
    };
    // An order of a person. With `former`, an entry that was there can be put back, and must be: put_back, or forget.
    Result<Outcome> add(const Order& order, std::uint64_t now_ns, Former* former = nullptr);
    // `duration_ns` is for a first offence; repeat offenders stay longer. order.until_ns is set here.
    Outcome apply(Order order, std::uint64_t duration_ns, std::uint64_t now_ns);
    bool remove(gabion_set set, const Prefix& target, std::uint64_t now_ns);

    // The entries of one set in pages: visits up to `count` and returns where to go on, 0 at the end. Begin with 0. What is there from first to
    // last page is visited once, whatever comes and goes meanwhile.
    Cursor list(gabion_set set, Cursor from, std::size_t count, std::uint64_t now_ns, const Visit& visit) const;
    std::optional<Entry> find(gabion_set set, const Prefix& target) const;
    // Every entry of every set that the address (or prefix) lies in, and what ended lately that it lay in, newest first.
    std::vector<Entry> covering(const Prefix& target, std::uint64_t now_ns) const;
    std::vector<EndedEntry> history(const Prefix& target) const;
    std::uint32_t offence_multiplier(const Prefix& target, std::uint64_t now_ns) const;

    // Also counts what ended and was not swept yet.
    std::uint32_t size(gabion_set set) const noexcept { return stores_[set].size(); }
    const BookCounters& counters() const noexcept { return counters_; }
    BlastRadius& blast_radius() noexcept { return blast_; }
    std::size_t memory_bytes() const noexcept;

    // Every 100 ms or so: takes out what ended (the kernel ignores it already), a part of the book a call, and keeps the kernel's lists
    // tidy. Returns how many entries ended.
    std::size_t sweep(std::uint64_t now_ns, std::size_t records = 16384);
    // After a new sample of the tick clock. When the former was wrong (suspend), all expiries are written anew.
    void resample(TickSample sample, std::uint64_t now_ns);
    const TickClock& clock() const noexcept { return clock_; }

    // Allow entries of the configuration become these. All or nothing.
    Result<void> replace_config_allow(std::span<const Prefix> targets, std::uint64_t now_ns);

    // Tables of other sizes, in three steps (ban_book_move.cpp). The book must not change between the first two. Tables that lie where
    // they lay are shared; others must be empty and get all that is in force. An error names what does not fit, and changes nothing.
    [[nodiscard]] Result<OtherTables> copy_to(const BanMemory& memory,
                                              const std::array<SetLimits, GABION_SET_COUNT>& limits) const;
    // What comes from now on goes to the others. Once more, and all is as it was.
    void exchange(OtherTables& others) noexcept;
    // When no program works on `former` any more: what it counted meanwhile.
    void add_hits_of(const OtherTables& former) noexcept;
    // What escalation asks before it bans a prefix: why it is spared, empty when it is not; and whom it tells what became of it.
    using Spared = std::function<std::string(const Prefix&)>;
    using TellEscalation = std::function<void(const Prefix&, Outcome, const std::string& why_spared)>;
    void on_escalation(Spared spared, TellEscalation tell) {
        spared_ = std::move(spared);
        tell_escalation_ = std::move(tell);
    }
    // Asked before a detector cuts anybody off: whether the target is, or holds, the other end of an operator's session.
    void on_cut_off(std::function<bool(const Prefix&)> is_operators) { is_operators_ = std::move(is_operators); }
    void set_escalation(const EscalationSettings& settings) noexcept { escalation_.configure(settings); }
    void set_blast_radius(std::uint64_t addresses, std::uint64_t window_ns) noexcept {
        blast_.configure(addresses, window_ns);
    }

    const char* intern(std::string_view text) { return details_.intern(text); }
    // Rises with every change that a state file should hold.
    std::uint64_t generation() const noexcept { return generation_; }

    // For ban_load.h: what many orders tell, and how they are undone.
    DetailId share_detail(const Order& order);
    void unshare_detail(DetailId detail) noexcept { details_.release(detail); }
    void put_back(const Former& former, std::uint64_t now_ns);
    void forget(const Former& former) noexcept { details_.release(former.detail); }
    void withdraw(gabion_set set, const Prefix& target);  // leaves no history

    // For ban_load.h and state_file.h.
    struct Restored {
        gabion_set set = GABION_SET_OPERATOR;
        Prefix target;
        std::uint64_t since_ns = 0;
        std::uint64_t until_ns = never_ns;
        std::uint8_t flags = 0;
        std::uint8_t extra = 0;
        DetailId detail = 0;
        QuarantineScope scope;
    };
    // Puts an entry in force whose record is known; where it is in force already, the record is taken over and the entry stays.
    Outcome restore(const Restored& entry, std::uint64_t now_ns);
    // Where in its table a target has its home, as a fraction of 2^32.
    [[nodiscard]] std::uint64_t place_in_table(gabion_set set, const Prefix& target) const noexcept {
        return sets_[set].place_in_table(target);
    }
    void prefetch(gabion_set set, const Prefix& target) const noexcept {
        sets_[set].prefetch(target);
        stores_[set].prefetch(target);
    }
    void reserve(gabion_set set, std::size_t more) { stores_[set].reserve(stores_[set].size() + more); }
    const RecordStore& records(gabion_set set) const noexcept { return stores_[set]; }
    const AddressSet& set(gabion_set set) const noexcept { return sets_[set]; }
    DetailPool& details() noexcept { return details_; }
    const DetailPool& details() const noexcept { return details_; }
    Offenders& offenders() noexcept { return offenders_; }
    const Offenders& offenders() const noexcept { return offenders_; }

private:
    AddressSet::Claim claim(const Order& order, std::uint64_t now_ns, bool may_evict);
    Outcome put(const Order& order, std::uint64_t now_ns, bool may_evict, Former* former = nullptr);
    void fill_limits(const Order& order, const AddressSet::Claim& claim) noexcept;
    void set_detail(Record& record, DetailId detail) noexcept;
    void set_until(gabion_set set, Record& record, std::uint64_t until_ns) noexcept;
    bool over(gabion_set set, const Prefix& target, std::uint64_t now_ns) const noexcept;
    DetailId detail_for(const Order& order);
    std::uint32_t value_for(gabion_set set, const Record& record, std::uint64_t now_ns) const noexcept;
    void end(gabion_set set, RecordId id, std::uint64_t ended_ns, const char* how);
    void drop(gabion_set set, RecordId id);
    bool evict_for(const Order& order, AddStatus status, std::uint64_t now_ns);
    bool is_allowed(const Prefix& target) const;
    void escalate(const Order& order, std::uint64_t now_ns);
    Outcome ban_prefix(const Escalation::Due& due, std::uint64_t now_ns);
    Entry describe(gabion_set set, RecordId id) const;
    std::size_t sweep_set(gabion_set set, std::uint64_t now_ns, std::size_t& records);
    void tidy_prefix_map(std::uint64_t now_ns);
    void recover_set(gabion_set set, std::uint64_t now_ns);

    BanMemory memory_;
    TickClock clock_;
    std::array<AddressSet, GABION_SET_COUNT> sets_;
    std::array<RecordStore, GABION_SET_COUNT> stores_;
    std::array<RecordId, GABION_SET_COUNT> swept_{};
    std::array<std::uint32_t, GABION_SET_COUNT> timed_{};  // records that end some day
    AllowBloom allow_bloom_;
    PrefixMap prefix_map_;
    std::uint64_t prefix_map_made_ns_ = 0;
    bool stale_prefixes4_ = false;
    bool stale_prefixes6_ = false;
    DetailPool details_;
    DetailId recovered_ = 0;
    Offenders offenders_;
    BlastRadius blast_;
    Escalation escalation_;
    Spared spared_;
    TellEscalation tell_escalation_;
    std::function<bool(const Prefix&)> is_operators_;
    BookCounters counters_;
    std::deque<EndedEntry> history_;
    std::size_t history_max_;
    std::uint64_t generation_ = 0;
};

// "[bans] capacity" and the like: the configuration key behind a set's limit.
const char* capacity_key(gabion_set set, bool prefixes = false) noexcept;

// Refuses prefixes shorter than /8 (IPv4) and /16 (IPv6), which are almost always a slip, unless `force`.
Result<void> check_width(const Prefix& target, bool force);

}  // namespace gabion::ban
