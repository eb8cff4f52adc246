// SPDX-License-Identifier: Apache-2.0
#include "dataplane/detect/store.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "dataplane/detect/state.h"

namespace gabion::detect {
namespace {

constexpr std::array<char, 8> file_magic{'G', 'B', 'N', 'B', 'A', 'S', 'E', '2'};

struct Header {
    std::array<char, 8> magic = file_magic;
    std::uint64_t length = 0;
    std::uint64_t checksum = 0;
};

std::uint64_t fnv1a(std::span<const std::byte> bytes) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const std::byte byte : bytes)
        hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3;
    return hash;
}

class Writer {
public:
    Writer() : bytes_(sizeof(Header)) {}

    template <typename... T>
    void put(const T&... values) {
        static_assert((std::is_trivially_copyable_v<T> && ...));
        (append(&values, sizeof values), ...);
    }
    std::vector<std::byte> finish() {
        Header header;
        header.length = bytes_.size() - sizeof header;
        header.checksum = fnv1a(std::span(bytes_).subspan(sizeof header));
        std::memcpy(bytes_.data(), &header, sizeof header);
        return std::move(bytes_);
    }

private:
    void append(const void* from, std::size_t length) {
        const auto* first = static_cast<const std::byte*>(from);
        bytes_.insert(bytes_.end(), first, first + length);
    }
    std::vector<std::byte> bytes_;
};

class Reader {
public:
    explicit Reader(std::span<const std::byte> bytes) : left_(bytes) {}

    template <typename... T>
    bool get(T&... values) {
        return (take(&values, sizeof values) && ...);
    }
    [[nodiscard]] bool at_end() const { return left_.empty(); }

private:
    bool take(void* to, std::size_t length) {
        if (left_.size() < length) return false;
        std::memcpy(to, left_.data(), length);
        left_ = left_.subspan(length);
        return true;
    }
    std::span<const std::byte> left_;
};

std::uint32_t before(std::uint32_t now_s, std::uint32_t age) noexcept { return now_s > age ? now_s - age : 1; }

void put_guards(Writer& to, const State& state) {
    std::uint32_t count = 0;
    for (unsigned i = 0; i <= destinations_max; ++i)
        count += state.guards[i].used;
    to.put(count);
    for (std::uint32_t i = 0; i <= destinations_max; ++i) {
        const Guard& guard = state.guards[i];
        const Distributions& learned = state.distributions[i];
        if (!guard.used) continue;
        to.put(i, guard.key, guard.peak_pps, guard.usual_turns, learned.bits, learned.normalised,
               learned.size_divergence, learned.sizes, learned.sizes_learned);
    }
}

bool get_guards(Reader& from, State& state) {
    std::uint32_t count = 0;
    if (!from.get(count)) return false;
    for (; count > 0; --count) {
        std::uint32_t i = 0;
        if (!from.get(i) || i > destinations_max) return false;
        Guard& guard = state.guards[i];
        Distributions& learned = state.distributions[i];
        guard.used = true;
        if (!from.get(guard.key, guard.peak_pps, guard.usual_turns, learned.bits, learned.normalised,
                      learned.size_divergence, learned.sizes, learned.sizes_learned) ||
            !learned.bits.sane() || !learned.normalised.sane() || !learned.size_divergence.sane())
            return false;
    }
    return true;
}

template <typename Entry, typename Wanted, typename Put>
void put_entries(Writer& to, const FixedTable<Entry>& table, Wanted&& wanted, Put&& put) {
    const auto entries = table.entries();
    to.put(static_cast<std::uint32_t>(std::count_if(entries.begin(), entries.end(), wanted)));
    for (const Entry& entry : entries)
        if (wanted(entry)) put(entry);
}

// `get(key, entry)` reads the rest of an entry.
template <typename Entry, typename Get>
bool get_entries(Reader& from, FixedTable<Entry>& table, Get&& get) {
    std::uint32_t count = 0;
    if (!from.get(count)) return false;
    for (; count > 0; --count) {
        Key key;
        if (!from.get(key)) return false;
        Entry& entry = table.obtain(key, [](const Entry&) { return 0; });
        if (!get(entry)) return false;
    }
    return true;
}

}  // namespace

std::vector<std::byte> write_baseline(const State& state) {
    Writer to;
    const std::uint32_t now_s = state.now_s();
    to.put(state.learned_s, state.source_p99_pps, state.total_peak_pps);
    put_guards(to, state);
    put_entries(
        to, state.networks, [](const Guard& entry) { return entry.used; },
        [&](const Guard& entry) { to.put(entry.key, entry.peak_pps); });
    put_entries(
        to, state.memory.sources(), [](const KnownSource& entry) { return entry.used && entry.known(); },
        [&](const KnownSource& entry) {
            to.put(entry.key, now_s - entry.first_s, now_s - entry.counted_s, entry.rate_pps, entry.ttl_low,
                   entry.ttl_high, entry.windows);
        });
    put_entries(
        to, state.memory.prefixes(), [](const KnownPrefix& entry) { return entry.used && entry.hops != 0; },
        [&](const KnownPrefix& entry) {
            to.put(entry.key, now_s - entry.epoch_s, now_s - entry.last_s, entry.hops, entry.hops_fresh, entry.rate_pps,
                   entry.known_sources);
        });
    return to.finish();
}

Result<void> read_baseline(State& state, std::span<const std::byte> bytes, std::uint32_t now_s) {
    const Error broken{"reading the baseline: damaged or of another version; it will be learned anew", EINVAL};
    Header header;
    Reader from(bytes);
    if (!from.get(header) || header.magic != file_magic || header.length != bytes.size() - sizeof header ||
        header.checksum != fnv1a(bytes.subspan(sizeof header)))
        return broken;
    const bool whole =
        from.get(state.learned_s, state.source_p99_pps, state.total_peak_pps) && get_guards(from, state) &&
        get_entries(from, state.networks, [&](Guard& entry) { return from.get(entry.peak_pps); }) &&
        get_entries(from, state.memory.sources(),
                    [&](KnownSource& entry) {
                        std::uint32_t first = 0, counted = 0;
                        const bool got =
                            from.get(first, counted, entry.rate_pps, entry.ttl_low, entry.ttl_high, entry.windows);
                        entry.first_s = before(now_s, first);
                        entry.counted_s = before(now_s, counted);
                        return got;
                    }) &&
        get_entries(from, state.memory.prefixes(), [&](KnownPrefix& entry) {
            std::uint32_t epoch = 0, last = 0;
            const bool got = from.get(epoch, last, entry.hops, entry.hops_fresh, entry.rate_pps, entry.known_sources);
            entry.epoch_s = before(now_s, epoch);
            entry.last_s = before(now_s, last);
            return got;
        });
    if (!whole || !from.at_end()) return broken;
    return {};
}

}  // namespace gabion::detect
