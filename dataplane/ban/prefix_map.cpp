// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/prefix_map.h"

#include <atomic>
#include <bit>
#include <cstring>
#include <vector>

#include "bpf/lib/hash.h"
#include "dataplane/ban/address_set.h"

namespace gabion::ban {
namespace {

template <typename Word>
void raise(Word& word, Word bits) noexcept {
    if ((word & bits) != bits) std::atomic_ref<Word>(word).store(word | bits, std::memory_order_release);
}

// A big-endian word of an address as a number.
std::uint32_t number_at(const Prefix& prefix, std::size_t byte) noexcept {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i)
        number = number << 8 | prefix.bytes[byte + i];
    return number;
}

// What stands in a packet for such a number.
std::uint32_t wire(std::uint32_t number) noexcept {
    return std::endian::native == std::endian::little ? __builtin_bswap32(number) : number;
}

// Word by word, so that a reader sees each either as it was or as it is to be.
template <typename T>
void take_over(std::span<T> to, const std::vector<T>& from) noexcept {
    static_assert(sizeof(T) % sizeof(std::uint32_t) == 0);
    for (std::size_t i = 0; i < to.size(); ++i) {
        if (std::memcmp(&to[i], &from[i], sizeof(T)) == 0) continue;
        auto* const words = reinterpret_cast<std::uint32_t*>(&to[i]);
        std::uint32_t wanted[sizeof(T) / sizeof(std::uint32_t)];
        std::memcpy(wanted, &from[i], sizeof(T));
        for (std::size_t word = 0; word < std::size(wanted); ++word)
            std::atomic_ref(words[word]).store(wanted[word], std::memory_order_release);
    }
}

}  // namespace

void PrefixMap::note(gabion_set set, const Prefix& prefix) noexcept {
    if (prefix.is_address()) return;
    if (prefix.family == Family::v4) {
        if (!memory_.map4.empty()) note4(set, prefix);
    } else if (!memory_.map6.empty()) {
        note6(set, prefix);
    }
}

void PrefixMap::note4(gabion_set set, const Prefix& prefix) noexcept {
    const std::uint32_t first = number_at(prefix, 0);
    const std::uint32_t last = first | static_cast<std::uint32_t>(0xffffffffull >> prefix.length);
    for (std::uint32_t block = first >> 16; block <= last >> 16; ++block)
        raise(memory_.lengths4[block].of_set[set], __u32{1} << prefix.length);
    const std::uint32_t end = last >> 8;
    for (std::uint32_t at = first >> 8; at <= end;) {
        const bool whole = (at & 63) == 0 && end - at >= 63;
        raise(memory_.map4[at >> 6], whole ? ~std::uint64_t{0} : std::uint64_t{1} << (at & 63));
        at += whole ? 64 : 1;
    }
}

void PrefixMap::note_wide6(gabion_set set, std::uint32_t first_word, std::uint32_t length_bit) noexcept {
    const std::uint64_t wide = gabion_hash_wide6(hash_, &first_word);
    const std::uint32_t at = gabion_hash_index(wide, static_cast<std::uint32_t>(memory_.map6.size() - 1));
    raise(memory_.lengths6[at].of_set[set], length_bit);
    raise(memory_.map6[at].wide[wide >> 6 & (GABION_PREFIX_WORDS6 - 1)], __u64{1} << (wide & 63));
}

void PrefixMap::note6(gabion_set set, const Prefix& prefix) noexcept {
    const std::uint32_t bit = std::uint32_t{1} << (prefix.length >> 2);
    if (prefix.length < GABION_PREFIX_LISTED6) {
        for (gabion_prefix_lengths& lengths : memory_.lengths6)
            raise(lengths.of_set[set], bit);
        for (gabion_prefix_line6& line : memory_.map6)
            for (__u64& word : line.wide)
                raise(word, ~__u64{0});
        return;
    }
    const std::uint32_t first = number_at(prefix, 0);
    if (prefix.length < GABION_PREFIX_NARROW6) {
        const std::uint32_t others = prefix.length >= 32 ? 0 : 0xffffffffu >> prefix.length;
        for (std::uint32_t other = 0; other <= others; ++other)
            note_wide6(set, wire(first | other), bit);
        return;
    }
    const std::uint32_t words[2] = {wire(first), wire(number_at(prefix, 4))};
    const std::uint64_t narrow = gabion_hash_narrow6(hash_, words);
    const std::uint32_t at =
        gabion_hash_index(gabion_hash_wide6(hash_, words), static_cast<std::uint32_t>(memory_.map6.size() - 1));
    raise(memory_.lengths6[at].of_set[set], bit);
    raise(memory_.map6[at].narrow[narrow >> 6 & (GABION_PREFIX_WORDS6 - 1)], __u64{1} << (narrow & 63));
}

void PrefixMap::remake(Family family, std::span<const AddressSet> sets) {
    const bool v4 = family == Family::v4;
    if (v4 ? memory_.map4.empty() : memory_.map6.empty()) return;
    std::vector<std::uint64_t> map4(v4 ? memory_.map4.size() : 0);
    std::vector<gabion_prefix_line6> map6(v4 ? 0 : memory_.map6.size());
    std::vector<gabion_prefix_lengths> lengths(v4 ? memory_.lengths4.size() : memory_.lengths6.size());
    PrefixMap anew({.map4 = map4, .lengths4 = lengths, .map6 = map6, .lengths6 = lengths}, *hash_);
    for (std::size_t set = 0; set < sets.size(); ++set) {
        sets[set].for_each_prefix(family,
                                  [&](const Prefix& prefix) { anew.note(static_cast<gabion_set>(set), prefix); });
    }
    take_over(v4 ? memory_.lengths4 : memory_.lengths6, lengths);
    if (v4) {
        take_over(memory_.map4, map4);
    } else {
        take_over(memory_.map6, map6);
    }
}

}  // namespace gabion::ban
