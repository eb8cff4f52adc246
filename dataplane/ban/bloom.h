// SPDX-License-Identifier: Apache-2.0
// The Bloom filters that the kernel reads without a helper call: blocked filters of one 64-bit word a key, four bits each
// (bpf/lib/hash.h). With c keys a word a key that was never added is found with probability (1 - e^(-4c/64))^4: 0.2 % at 4,
// 2 % at 8. Two generations lie one behind the other. For one thread.
#pragma once

#include <cstdint>
#include <span>

#include "bpf/abi/control.h"
#include "dataplane/core/address.h"

namespace gabion::ban {

class AddressSet;

// The hash of a target's key, as the tables take it.
std::uint64_t key_hash(const gabion_hash_key& hash, const Prefix& target) noexcept;

// Says of an address "certainly not an entry of the allow list". Prefixes are not in it: the kernel probes for them if the list
// has any. The kernel reads the generation control.allow_bloom.
class AllowBloom {
public:
    AllowBloom(gabion_control* control, std::span<std::uint64_t> words) noexcept;

    // Before the entry is in force: its bits are set in both generations. A prefix has none.
    void add(const Prefix& target) noexcept;

    // After an entry is gone; its bits are taken out by the next `rebuild`, and cost look-ups until then.
    void note_removal() noexcept { stale_ = true; }
    [[nodiscard]] bool stale() const noexcept { return stale_; }

    // Fills the generation that is not read from the allow list, then has it read. Two calls are to be at least some
    // milliseconds apart, so that no look-up still reads the generation that is filled.
    void rebuild(const AddressSet& allowed) noexcept;

    [[nodiscard]] bool maybe(const Prefix& target) const noexcept;

private:
    [[nodiscard]] std::span<std::uint64_t> generation(std::uint32_t which) const noexcept;

    gabion_control* control_;
    std::span<std::uint64_t> words_;
    bool stale_ = false;
};

// Sources known from calm times. A source is known when it is in either generation; new ones go to generation
// control.known_bloom, and when that has had its time, or is half full, the older one is emptied and takes over. So a source is
// forgotten one to two lifetimes after it was last added. The filter is pinned and outlives the daemon; its age is counted from
// the daemon's start.
class KnownSources {
public:
    KnownSources(gabion_control* control, std::span<std::uint64_t> words, std::uint64_t lifetime_ns,
                 std::uint64_t now_ns) noexcept;

    void add(const Prefix& address) noexcept;
    [[nodiscard]] bool contains(const Prefix& address) const noexcept;

    // Rotates when it is time. Returns whether it did.
    bool sweep(std::uint64_t now_ns) noexcept;

    // Forgets everything.
    void clear() noexcept;

    // Share of bits set in the generation that is filled, 0 to 1: at 0.5 one unknown source in 16 passes for known.
    [[nodiscard]] double fill() const noexcept;

private:
    [[nodiscard]] std::span<std::uint64_t> generation(std::uint32_t which) const noexcept;
    void rotate(std::uint64_t now_ns) noexcept;

    gabion_control* control_;
    std::span<std::uint64_t> words_;
    std::uint64_t lifetime_ns_;
    std::uint64_t began_ns_;
    std::uint64_t bits_set_ = 0;
};

}  // namespace gabion::ban
