// SPDX-License-Identifier: Apache-2.0
// A worker's slot into the analyst's window. Everything is added under the number of the slot in which the summary ended.
#include <algorithm>

#include "dataplane/detect/state.h"

namespace gabion::detect {
namespace {

constexpr double worth_of_named = 1000;  // packets a second: who was named is not soon forgotten

using Blocks = std::array<std::uint8_t, destinations_max + 1>;  // a summary's blocks -> guards

unsigned guard_of(State& state, const Key& destination, std::uint32_t slot) noexcept {
    unsigned oldest = 0;
    for (unsigned i = 0; i < destinations_max; ++i) {
        Guard& guard = state.guards[i];
        if (guard.used && guard.key == destination) return i;
        const Guard& other = state.guards[oldest];
        if (other.used && (!guard.used || guard.seen_slot < other.seen_slot)) oldest = i;
    }
    constexpr std::uint32_t forget_after = 3000;  // slots, one minute: a quieter guard gives way to a new destination
    Guard& place = state.guards[oldest];
    if (place.used && (place.attack || slot - place.seen_slot < forget_after)) return rest_block;
    place = Guard{};
    place.used = true;
    place.key = destination;
    state.distributions[oldest] = Distributions{};
    return oldest;
}

void add_network(State& state, std::uint32_t slot, const Key& network, double weight, double scale) noexcept {
    Guard& guard =
        state.networks.obtain(network, [](const Guard& entry) { return entry.attack ? 1e18 : entry.seen_slot; });
    guard.seen_slot = slot;
    guard.activity.add(slot, weight, scale);
}

Blocks ingest_destinations(State& state, const SlotSummary& from, std::uint32_t slot) noexcept {
    Blocks blocks{};
    for (unsigned i = 0; i <= destinations_max; ++i) {
        const bool used = i == rest_block ? from.rest_used : (from.used_blocks >> i & 1) != 0;
        if (!used) continue;
        const DestinationBlock& block = from.destination[i];
        const unsigned guard = i == rest_block ? rest_block : guard_of(state, block.key, slot);
        blocks[i] = static_cast<std::uint8_t>(guard);
        Guard& to = state.guards[guard];
        to.seen_slot = slot;
        to.activity.add(slot, static_cast<double>(block.weight), block.scale);
        to.turns.add(slot, block.opened, block.ended, block.open_samples);
        to.established_slow = to.established_slow * 0.98f + static_cast<float>(block.established);
        state.distributions[guard].add(slot, block);
        state.total.add(slot, static_cast<double>(block.weight), block.scale);
        state.second_samples += block.samples;
        if (i != rest_block)
            add_network(state, slot, prefix_of(block.key, 64), static_cast<double>(block.weight), block.scale);
    }
    if (from.rest_used)
        from.networks.each([&](const NetworkDetail& network, std::uint32_t count) {
            add_network(state, slot, network.key, count - network.error, network.scale);
        });
    return blocks;
}

void note(TrackedSource& to, const SourceDetail& from) noexcept {
    to.cell_port = from.cell_port;
    to.cell_protocol = from.cell_protocol;
    to.source_port = from.source_port;
    to.destination_port = from.destination_port;
    to.protocol = from.protocol;
    to.ttl_min = from.ttl_min;
    to.ttl_max = from.ttl_max;
}

// Already named: what still arrives is not held against the destination's other sources.
template <typename Tracked>
void leave_out(State& state, Tracked& tracked, std::uint32_t slot, double weight, double scale) noexcept {
    Activity named;
    named.add(slot, weight, scale);
    state.guards[tracked.guard].activity.advance(slot);
    state.guards[tracked.guard].activity.remove(named);
    tracked.activity.forget();
}

void ingest_sources(State& state, const SlotSummary& from, std::uint32_t slot, const Blocks& blocks) noexcept {
    const auto worth = [slot](const TrackedSource& source) {
        TrackedSource copy = source;
        copy.activity.advance(slot);
        return copy.activity.slow() + (source.named_until > slot ? worth_of_named : 0);
    };
    from.sources.each([&](const SourceDetail& detail, std::uint32_t count) {
        TrackedSource& source = state.sources.obtain(detail.key, worth);
        if (detail.established != 0) source.established.add(slot, detail.established, detail.scale);
        const double weight = count - detail.error;  // never more than it sent
        if (detail.samples == 0 || weight <= 0) return;
        note(source, detail);
        source.guard = blocks[detail.destination];
        source.activity.add(slot, weight, detail.scale);
        if (source.held_until > slot) leave_out(state, source, slot, weight, detail.scale);
    });
}

void ingest_prefixes(State& state, const SlotSummary& from, std::uint32_t slot, const Blocks& blocks) noexcept {
    const auto worth = [slot](const TrackedPrefix& prefix) {
        Activity copy = prefix.activity;
        copy.advance(slot);
        return copy.slow() + (prefix.named_until > slot ? worth_of_named : 0);
    };
    constexpr std::uint32_t sources_slots = 50;
    from.prefixes.each([&](const PrefixDetail& detail, std::uint32_t count) {
        TrackedPrefix& prefix = state.prefixes.obtain(detail.key, worth);
        if (slot - prefix.sources_slot >= sources_slots) {
            prefix.sources_before = slot - prefix.sources_slot < 2 * sources_slots ? prefix.sources : 0;
            prefix.sources = 0;
            prefix.sources_slot = slot;
        }
        prefix.sources |= detail.sources;
        prefix.guard = blocks[detail.destination];
        const double weight = count - detail.error;
        prefix.activity.add(slot, weight, detail.scale);
        if (prefix.held_until > slot) leave_out(state, prefix, slot, weight, detail.scale);
    });
}

void keep_pending(State& state, const Sighting& sighting, std::uint32_t slot) noexcept {
    if (state.pending_count == State::pending_max) return;
    state.pending[(state.pending_first + state.pending_count++) % State::pending_max] = {sighting.source, slot,
                                                                                         sighting.ttl};
}

bool contradicts_known(const KnownSource& known, std::uint8_t ttl) noexcept {
    return ttl + 1 < known.ttl_low || ttl > known.ttl_high + 1;
}

void ingest_sightings(State& state, const SlotSummary& from, std::uint32_t slot, const Blocks& blocks) noexcept {
    if (from.sighting_count == 0) return;
    const double stands_for = static_cast<double>(from.offered) / from.sighting_count;
    for (unsigned i = 0; i < from.sighting_count; ++i) {
        const Sighting& sighting = from.sightings[i];
        const unsigned guard = blocks[sighting.destination];
        keep_pending(state, sighting, slot);
        if (sighting.established) continue;
        Distributions::Slot& at = state.distributions[guard].at(slot);
        const Distance distance = state.memory.distance(sighting.source, sighting.ttl);
        at.contradicting += distance == Distance::contradicts;
        at.agreeing += distance == Distance::agrees;
        const KnownSource* known = state.memory.known(sighting.source);
        at.seen_weight += static_cast<float>(sighting.weight);
        if (known == nullptr) continue;
        at.known_weight += static_cast<float>(sighting.weight);
        if (distance != Distance::contradicts && !contradicts_known(*known, sighting.ttl)) continue;
        TrackedSource* source = state.sources.find(sighting.source);
        if (source != nullptr)
            source->contradicting.add(slot, sighting.weight * stands_for, sighting.weight * stands_for);
    }
}

}  // namespace

void ingest_slot(State& state, const SlotSummary& from) noexcept {
    if (from.empty()) return;
    const auto slot = static_cast<std::uint32_t>(from.end_ns / slot_ns);
    State::Span& span = state.spans[slot % window_slots];
    if (span.slot != slot) span = {slot, from.start_ns, from.end_ns};
    span.start_ns = std::min(span.start_ns, from.start_ns);
    span.end_ns = std::max(span.end_ns, from.end_ns);
    const Blocks blocks = ingest_destinations(state, from, slot);
    ingest_sources(state, from, slot, blocks);
    ingest_prefixes(state, from, slot, blocks);
    ingest_sightings(state, from, slot, blocks);
}

}  // namespace gabion::detect
