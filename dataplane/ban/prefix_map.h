// SPDX-License-Identifier: Apache-2.0
// The prefix map of bpf/abi/prefix.h, written by this process and read by the kernel at the same time. Bits are only ever added,
// before the entry is in force, until the map of a family is made anew: in a copy, and from there word by word, so that no bit that is
// needed is missing at any moment. A killed writer therefore leaves bits too many at worst. For one thread.
#pragma once

#include <cstdint>
#include <span>

#include "bpf/abi/control.h"
#include "bpf/abi/prefix.h"
#include "dataplane/core/address.h"

namespace gabion::ban {

// Views of the maps; all empty when nothing reads them. IPv4: GABION_PREFIX_WORDS4 and _BLOCKS4 long; IPv6: both as long, a power of two.
struct PrefixMapMemory {
    std::span<std::uint64_t> map4;
    std::span<gabion_prefix_lengths> lengths4;
    std::span<gabion_prefix_line6> map6;
    std::span<gabion_prefix_lengths> lengths6;
};

class AddressSet;

class PrefixMap {
public:
    PrefixMap(const PrefixMapMemory& memory, const gabion_hash_key& hash) noexcept : memory_(memory), hash_(&hash) {}

    // What is noted from now on is noted there.
    void move_to(const PrefixMapMemory& memory) noexcept { memory_ = memory; }

    // Before a prefix of `set` is in force. What is an address is not noted.
    void note(gabion_set set, const Prefix& prefix) noexcept;

    // Makes the map of a family anew from what the sets hold, index = enum gabion_set. Takes some ms for 100,000 prefixes.
    void remake(Family family, std::span<const AddressSet> sets);

private:
    void note4(gabion_set set, const Prefix& prefix) noexcept;
    void note6(gabion_set set, const Prefix& prefix) noexcept;
    void note_wide6(gabion_set set, std::uint32_t first_word, std::uint32_t length_bit) noexcept;

    PrefixMapMemory memory_;
    const gabion_hash_key* hash_;
};

}  // namespace gabion::ban
