// SPDX-License-Identifier: Apache-2.0
// Addresses and prefixes as the detectors hold them: 16 bytes as two words, IPv4 as ::ffff:a.b.c.d, and their keyed hash. The
// hash is one 64 x 64 -> 128 bit multiplication folded in half (the mixing step of wyhash, Wang Yi 2019); its key is drawn at start,
// so that nobody outside can choose colliding sources. All workers and the analyst use the same key.
#pragma once

#include <bit>
#include <cstdint>

#include "bpf/lib/packet.h"
#include "dataplane/core/address.h"

namespace gabion::detect {

static_assert(std::endian::native == std::endian::little,
              "the masks below are for network-order bytes in little-endian words");

__extension__ using Product = unsigned __int128;

struct HashKey {
    std::uint64_t first = 0x9e3779b97f4a7c15;  // for tests; the daemon draws both at random
    std::uint64_t second = 0xd1b54a32d192ed03;
};

struct Key {
    std::uint64_t high = 0;  // the first eight bytes, as they lie in memory
    std::uint64_t low = 0;

    [[nodiscard]] bool is_v4() const noexcept { return high == 0 && (low & 0xffffffffu) == 0xffff0000u; }
    friend bool operator==(const Key&, const Key&) = default;

    static Key from(unsigned ip_version, const gabion_address& address) noexcept {
        const auto pair = [](std::uint32_t a, std::uint32_t b) { return std::uint64_t{a} | std::uint64_t{b} << 32; };
        if (ip_version == 4) return {0, pair(0xffff0000u, address.word[0])};
        return {pair(address.word[0], address.word[1]), pair(address.word[2], address.word[3])};
    }
    static Key from(const Prefix& address) noexcept;
    [[nodiscard]] Prefix address() const noexcept;
};

inline std::uint64_t hash_of(const HashKey& hash, const Key& key) noexcept {
    const auto product = static_cast<Product>(key.high ^ hash.first) * (key.low ^ hash.second);
    const auto folded = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    return folded ^ (folded >> 29);
}

// The IPv4 /24 of an address, or the IPv6 prefix of `length6` = 64, 56 or 48 bits. The length stands in the unused half.
inline Key prefix_of(const Key& key, unsigned length6) noexcept {
    if (key.is_v4()) return {0, key.low & 0x00ffffffffffffffu};
    return {length6 >= 64 ? key.high : key.high & ((std::uint64_t{1} << length6) - 1), length6};
}

// What prefix_of() made, as a prefix.
Prefix prefix_from(const Key& prefix_key) noexcept;

}  // namespace gabion::detect
