// SPDX-License-Identifier: Apache-2.0
// Heavy hitters in fixed memory: Space-Saving (Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements
// in data streams", ICDT 2005) over sets of eight, so that an update touches one line of tags and counts and one of details.
//
// For each entry count - error <= true weight <= count. An entry's error is at most W_set / 8, W_set being the weight that was
// hashed to its set; with a keyed hash W_set is close to W / Sets. A key heavier than that is always in the sketch. Only
// when all eight places of a set are taken does a new key cost anybody anything.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "dataplane/detect/key.h"

namespace gabion::detect {

// Detail has members `Key key; std::uint32_t error;` and starts as Detail{} for a new key.
template <typename Detail, std::size_t Sets>
class Sketch {
    static_assert((Sets & (Sets - 1)) == 0);

public:
    static constexpr std::size_t ways = 8;
    static constexpr std::size_t entry_count = Sets * ways;

    struct Place {
        Detail& detail;
        std::uint32_t& count;  // weight of the key so far, this packet's included
    };

    Place add(std::uint64_t hash, const Key& key, std::uint32_t weight) noexcept {
        Line& line = lines_[(hash >> 32) & (Sets - 1)];
        const auto base = static_cast<std::size_t>(&line - lines_.data()) * ways;
        const std::uint32_t tag = static_cast<std::uint32_t>(hash) | 1u;
        for (unsigned match = matching(line, tag); match != 0; match &= match - 1) {
            const auto way = static_cast<std::size_t>(std::countr_zero(match));
            if (details_[base + way].key == key) [[likely]] {
                line.count[way] += weight;
                return {details_[base + way], line.count[way]};
            }
        }
        return replace(line, base, tag, key, weight);
    }

    // Calls visit(detail, count) for each entry.
    template <typename Visit>
    void each(Visit&& visit) const {
        for (std::size_t set = 0; set < Sets; ++set)
            for (std::size_t way = 0; way < ways; ++way)
                if (lines_[set].tag[way] != 0) visit(details_[set * ways + way], lines_[set].count[way]);
    }

    void clear() noexcept { lines_.fill(Line{}); }

private:
    struct alignas(64) Line {
        std::array<std::uint32_t, ways> tag{};  // 0: empty
        std::array<std::uint32_t, ways> count{};
    };

    // A bit for each way whose tag it is. Without branches: which way it is cannot be predicted.
    static unsigned matching(const Line& line, std::uint32_t tag) noexcept {
#ifdef __SSE2__
        const __m128i wanted = _mm_set1_epi32(static_cast<int>(tag));
        const auto half = [&](std::size_t from) {
            const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(&line.tag[from]));
            return static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(tags, wanted))));
        };
        return half(0) | half(4) << 4;
#else
        unsigned match = 0;
        for (unsigned way = 0; way < ways; ++way)
            match |= static_cast<unsigned>(line.tag[way] == tag) << way;
        return match;
#endif
    }

    // The way with the smallest count, likewise without branches: the way stands in the lowest bits of what is compared.
    static std::size_t lightest(const Line& line) noexcept {
        std::uint64_t least = std::uint64_t{line.count[0]} << 3;
        for (std::size_t way = 1; way < ways; ++way)
            least = std::min<std::uint64_t>(least, std::uint64_t{line.count[way]} << 3 | way);
        return least & (ways - 1);
    }

    // An empty place has count 0 and so is taken first.
    Place replace(Line& line, std::size_t base, std::uint32_t tag, const Key& key, std::uint32_t weight) noexcept {
        const std::size_t least = lightest(line);
        Detail& detail = details_[base + least];
        detail = Detail{};
        detail.key = key;
        detail.error = line.count[least];
        line.tag[least] = tag;
        line.count[least] += weight;
        return {detail, line.count[least]};
    }

    std::array<Line, Sets> lines_{};
    std::array<Detail, entry_count> details_{};
};

}  // namespace gabion::detect
