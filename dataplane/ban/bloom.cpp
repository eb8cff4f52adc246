// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/bloom.h"

#include <atomic>
#include <bit>

#include "bpf/lib/hash.h"
#include "dataplane/ban/address_set.h"

namespace gabion::ban {
namespace {

void store(std::uint64_t& to, std::uint64_t value) noexcept {
    std::atomic_ref<std::uint64_t>(to).store(value, std::memory_order_release);
}

void store(std::uint32_t& to, std::uint32_t value) noexcept {
    std::atomic_ref<std::uint32_t>(to).store(value, std::memory_order_release);
}

std::uint64_t& word_of(std::span<std::uint64_t> generation, std::uint64_t hash) noexcept {
    return generation[gabion_hash_index(hash, static_cast<std::uint32_t>(generation.size() - 1))];
}

bool has(std::span<std::uint64_t> generation, std::uint64_t hash) noexcept {
    if (generation.empty()) return false;
    const std::uint64_t bits = gabion_bloom_bits(hash);
    return (word_of(generation, hash) & bits) == bits;
}

// Returns how many bits were new.
unsigned set_bits(std::span<std::uint64_t> generation, std::uint64_t hash) noexcept {
    if (generation.empty()) return 0;
    std::uint64_t& word = word_of(generation, hash);
    const std::uint64_t added = gabion_bloom_bits(hash) & ~word;
    if (added != 0) store(word, word | added);
    return static_cast<unsigned>(std::popcount(added));
}

void empty(std::span<std::uint64_t> generation) noexcept {
    for (std::uint64_t& word : generation)
        store(word, 0);
}

}  // namespace

std::uint64_t key_hash(const gabion_hash_key& hash, const Prefix& target) noexcept {
    if (target.family == Family::v4) return gabion_hash4(&hash, target.key4());
    return gabion_hash6(&hash, target.key6().data());
}

AllowBloom::AllowBloom(gabion_control* control, std::span<std::uint64_t> words) noexcept
    : control_(control), words_(words) {}

std::span<std::uint64_t> AllowBloom::generation(std::uint32_t which) const noexcept {
    return words_.subspan((which & 1) * (words_.size() / 2), words_.size() / 2);
}

void AllowBloom::add(const Prefix& target) noexcept {
    if (!target.is_address()) return;
    const std::uint64_t hash = key_hash(control_->hash, target);
    set_bits(generation(0), hash);
    set_bits(generation(1), hash);
}

void AllowBloom::rebuild(const AddressSet& allowed) noexcept {
    const std::uint32_t next = (control_->allow_bloom & 1) ^ 1;
    empty(generation(next));
    allowed.for_each([&](const Prefix& target, Place, std::uint32_t) {
        if (target.is_address()) set_bits(generation(next), key_hash(control_->hash, target));
    });
    store(control_->allow_bloom, next);
    stale_ = false;
}

bool AllowBloom::maybe(const Prefix& target) const noexcept {
    return has(generation(control_->allow_bloom), key_hash(control_->hash, target));
}

KnownSources::KnownSources(gabion_control* control, std::span<std::uint64_t> words, std::uint64_t lifetime_ns,
                           std::uint64_t now_ns) noexcept
    : control_(control), words_(words), lifetime_ns_(lifetime_ns), began_ns_(now_ns) {
    for (const std::uint64_t word : generation(control_->known_bloom))
        bits_set_ += static_cast<unsigned>(std::popcount(word));
}

std::span<std::uint64_t> KnownSources::generation(std::uint32_t which) const noexcept {
    return words_.subspan((which & 1) * (words_.size() / 2), words_.size() / 2);
}

void KnownSources::add(const Prefix& address) noexcept {
    bits_set_ += set_bits(generation(control_->known_bloom), key_hash(control_->hash, address));
    if (control_->known_active == 0) store(control_->known_active, 1);
}

bool KnownSources::contains(const Prefix& address) const noexcept {
    if (control_->known_active == 0) return false;
    const std::uint64_t hash = key_hash(control_->hash, address);
    return has(generation(0), hash) || has(generation(1), hash);
}

bool KnownSources::sweep(std::uint64_t now_ns) noexcept {
    if (now_ns - began_ns_ < lifetime_ns_ && fill() < 0.5) return false;
    rotate(now_ns);
    return true;
}

void KnownSources::rotate(std::uint64_t now_ns) noexcept {
    const std::uint32_t next = (control_->known_bloom & 1) ^ 1;
    empty(generation(next));
    store(control_->known_bloom, next);
    bits_set_ = 0;
    began_ns_ = now_ns;
}

void KnownSources::clear() noexcept {
    store(control_->known_active, 0);
    empty(words_);
    bits_set_ = 0;
}

double KnownSources::fill() const noexcept {
    const std::size_t bits = words_.size() / 2 * 64;
    return bits > 0 ? static_cast<double>(bits_set_) / static_cast<double>(bits) : 0;
}

}  // namespace gabion::ban
