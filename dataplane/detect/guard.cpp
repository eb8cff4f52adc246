// SPDX-License-Identifier: Apache-2.0
#include "dataplane/detect/guard.h"

#include <algorithm>

namespace gabion::detect {
namespace {

constexpr std::uint32_t learn_from_samples = 30;  // a second's window with fewer teaches no distribution
constexpr float entropy_step = 0.01f;             // bits a second by which the learned median follows
constexpr float normalised_step = 0.001f;
constexpr float divergence_step = 0.001f;
constexpr std::uint32_t size_memory = 600;  // seconds over which the learned sizes average

template <std::size_t N>
void accumulate(std::array<std::uint16_t, N>& to, const std::array<std::uint16_t, N>& from) noexcept {
    for (std::size_t i = 0; i < N; ++i)
        to[i] = static_cast<std::uint16_t>(std::min<std::uint32_t>(0xffff, std::uint32_t{to[i]} + from[i]));
}

}  // namespace

Distributions::Slot& Distributions::at(std::uint32_t slot) noexcept {
    Slot& place = ring[slot % window_slots];
    if (place.slot != slot) {
        place = Slot{};
        place.slot = slot;
    }
    return place;
}

void Distributions::add(std::uint32_t slot, const DestinationBlock& block) noexcept {
    Slot& place = at(slot);
    accumulate(place.sizes, block.sizes);
    accumulate(place.sources, block.sources);
}

void Distributions::measure(std::uint32_t slot) noexcept {
    std::array<std::uint32_t, source_buckets> sources{};
    window_sizes_.fill(0);
    for (const Slot& place : ring) {
        if (slot - place.slot >= window_slots) continue;
        for (unsigned i = 0; i < source_buckets; ++i)
            sources[i] += place.sources[i];
        for (unsigned i = 0; i < size_cells; ++i)
            window_sizes_[i] += place.sizes[i];
    }
    entropy = estimate_entropy(sources);
    divergence = sizes_learned > 0 ? detect::divergence(window_sizes_, sizes) : 0;
    measure_sightings(slot);
}

void Distributions::measure_sightings(std::uint32_t slot) noexcept {
    double contradicting = 0, agreeing = 0, known_weight = 0, seen_weight = 0;
    for (const Slot& place : ring) {
        if (slot - place.slot >= window_slots) continue;
        contradicting += place.contradicting;
        agreeing += place.agreeing;
        known_weight += static_cast<double>(place.known_weight);
        seen_weight += static_cast<double>(place.seen_weight);
    }
    ttl_samples = static_cast<std::uint32_t>(contradicting + agreeing);
    ttl_share = ttl_samples > 0 ? contradicting / ttl_samples : 0;
    known_share = seen_weight > 0 ? known_weight / seen_weight : 0;
}

void Distributions::learn() noexcept {
    if (entropy.samples < learn_from_samples) return;
    bits.learn(static_cast<float>(entropy.bits), entropy_step);
    normalised.learn(static_cast<float>(entropy.normalised()), normalised_step);
    if (sizes_learned > 0) size_divergence.learn(static_cast<float>(divergence), divergence_step);
    const float share = 1.0f / static_cast<float>(std::min(++sizes_learned, size_memory));
    float total = 0;
    for (const std::uint32_t count : window_sizes_)
        total += static_cast<float>(count);
    for (unsigned i = 0; i < size_cells; ++i)
        sizes[i] += share * (static_cast<float>(window_sizes_[i]) / total - sizes[i]);
}

}  // namespace gabion::detect
