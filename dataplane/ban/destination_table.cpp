// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/destination_table.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace gabion::ban {
namespace {

template <typename T>
void store(T& to, T value) noexcept {
    std::atomic_ref<T>(to).store(value, std::memory_order_release);
}

Table6::Key key_of(const Prefix& target) noexcept {
    if (target.family == Family::v6) return target.key6();
    std::array<std::uint8_t, 16> mapped{};
    mapped[10] = mapped[11] = 0xff;
    std::copy_n(target.bytes.begin(), 4, mapped.begin() + 12);
    Table6::Key key{};
    std::memcpy(key.data(), mapped.data(), sizeof key);
    return key;
}

std::uint64_t end_of(const DestinationEntry& entry) noexcept {
    return std::max(entry.cap_until_ns, entry.posture_until_ns);
}

std::uint32_t clamp32(double value) noexcept {
    return value >= 4294967295.0 ? 0xffffffffu : static_cast<std::uint32_t>(std::max(value, 1.0));
}

}  // namespace

DestinationTable::DestinationTable(const BanMemory& memory) noexcept
    : memory_(memory), table_(memory.dest_table, memory.control->hash) {}

void DestinationTable::clear() noexcept {
    store(memory_.control->destinations, 0u);
    for (gabion_bucket6& bucket : memory_.dest_table) {
        for (std::uint32_t& value : bucket.value)
            store(value, 0u);
        store(bucket.marks, 0u);
    }
    table_ = Table6(memory_.dest_table, memory_.control->hash);
    for (gabion_destination& destination : memory_.destinations)
        destination = gabion_destination{};
    used_ = {};
    count_ = 0;
}

// Readers ask the table while this is not zero: raised before, lowered after.
void DestinationTable::publish_count() noexcept { store(memory_.control->destinations, count_); }

DestinationEntry* DestinationTable::claim(const Prefix& target, const char* reason, std::uint64_t now_ns) {
    if (!target.is_address() || memory_.destinations.size() < entries_.size()) return nullptr;
    if (const auto present = table_.find(key_of(target))) return &entries_[table_.value(*present) - 1];
    if (count_ == entries_.size()) {
        const auto first = std::min_element(entries_.begin(), entries_.end(),
                                            [](const auto& a, const auto& b) { return end_of(a) < end_of(b); });
        remove(Prefix(first->target));
    }
    const auto index = static_cast<std::size_t>(std::find(used_.begin(), used_.end(), false) - used_.begin());
    entries_[index] = DestinationEntry{};
    entries_[index].target = target;
    entries_[index].since_ns = now_ns;
    entries_[index].reason = reason;
    return &entries_[index];
}

void DestinationTable::write(const DestinationEntry& entry, const TickClock& clock, std::uint64_t now_ns) noexcept {
    const auto index = static_cast<std::size_t>(&entry - entries_.data());
    gabion_destination& to = memory_.destinations[index];
    const bool is_new = !used_[index];
    if (is_new) to = gabion_destination{};
    const double tick = 65536.0;
    const double interval = entry.cap_pps > 0 ? clock.hz() * tick * GABION_CAP_LOT / entry.cap_pps : 0;
    // Two lots, or what comes in 100 ms, may be taken at once, so that CPUs that share the cap do not starve each other.
    store(to.cap_burst, clamp32(std::max(2 * interval, clock.hz() * tick / 10)));
    store(to.cap_interval, entry.cap_pps > 0 ? clamp32(interval) : 0u);
    store(to.one_in, entry.one_in);
    store(to.expires, clock.expiry_at(end_of(entry), now_ns));
    if (!is_new) return;
    used_[index] = true;
    ++count_;
    publish_count();
    if (table_.insert(key_of(entry.target), static_cast<std::uint32_t>(index + 1))) return;
    used_[index] = false;
    --count_;
    publish_count();
}

bool DestinationTable::cap(const Prefix& target, double rate_pps, std::uint64_t until_ns, const char* reason,
                           const TickClock& clock, std::uint64_t now_ns) {
    DestinationEntry* const entry = rate_pps > 0 ? claim(target, reason, now_ns) : nullptr;
    if (entry == nullptr) return false;
    entry->cap_pps = rate_pps;
    entry->cap_until_ns = std::max(entry->cap_until_ns, until_ns);
    write(*entry, clock, now_ns);
    return table_.find(key_of(target)).has_value();
}

bool DestinationTable::raise_posture(const Prefix& target, std::uint32_t one_in, std::uint64_t until_ns,
                                     const char* reason, const TickClock& clock, std::uint64_t now_ns) {
    DestinationEntry* const entry = one_in > 0 ? claim(target, reason, now_ns) : nullptr;
    if (entry == nullptr) return false;
    entry->one_in = one_in;
    entry->posture_until_ns = std::max(entry->posture_until_ns, until_ns);
    write(*entry, clock, now_ns);
    return table_.find(key_of(target)).has_value();
}

bool DestinationTable::remove(const Prefix& target) noexcept {
    const auto present = table_.find(key_of(target));
    if (!present) return false;
    used_[table_.value(*present) - 1] = false;
    table_.erase(key_of(target));
    --count_;
    publish_count();
    return true;
}

std::size_t DestinationTable::sweep(const TickClock& clock, std::uint64_t now_ns) {
    std::size_t ended = 0;
    for (std::size_t i = 0; i < entries_.size() && count_ > 0; ++i) {
        if (!used_[i]) continue;
        DestinationEntry& entry = entries_[i];
        if (end_of(entry) <= now_ns) {
            remove(Prefix(entry.target));
            ++ended;
            continue;
        }
        const bool cap_over = entry.cap_pps > 0 && entry.cap_until_ns <= now_ns;
        const bool posture_over = entry.one_in > 0 && entry.posture_until_ns <= now_ns;
        if (cap_over) entry.cap_pps = 0;
        if (posture_over) entry.one_in = 0;
        if (cap_over || posture_over) write(entry, clock, now_ns);
    }
    return ended;
}

std::vector<DestinationEntry> DestinationTable::list() const {
    std::vector<DestinationEntry> all;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (!used_[i]) continue;
        all.push_back(entries_[i]);
        all.back().hits = std::atomic_ref(memory_.destinations[i].hits).load(std::memory_order_relaxed);
    }
    return all;
}

std::optional<DestinationEntry> DestinationTable::find(const Prefix& target) const {
    for (const DestinationEntry& entry : list()) {
        if (entry.target == target) return entry;
    }
    return std::nullopt;
}

}  // namespace gabion::ban
