// SPDX-License-Identifier: Apache-2.0
// Learns what is normal, in calm times with traffic only: nothing is learned while a destination is overloaded or just was, and sightings wait
// until the time in which they were made has turned out to be calm.
#include <algorithm>
#include <array>
#include <cmath>

#include "dataplane/detect/state.h"

namespace gabion::detect {
namespace {

constexpr std::uint32_t turns_teaching = 10;  // SYNs in a window that make a ratio
constexpr float turns_step = 0.02f;           // a second, towards the present one
constexpr std::uint32_t settled_slots = 10;   // how long a sighting waits
constexpr std::uint64_t stubborn_ns =
    60'000'000'000;                    // an alarm without overload that lasts this long is the new normal
constexpr double traffic_samples = 5;  // a second with as many counts whole towards learning_s, one with fewer in part
constexpr double least_credit = 0.1;
constexpr double source_growth = 1.0116;     // a second: a known source's rate may double in a minute
constexpr double forget_factor = 0.9999989;  // a calm second: learned peaks halve in a week

bool calm(const State& state) noexcept {
    for (unsigned i = 0; i <= destinations_max; ++i) {
        const Guard& guard = state.guards[i];
        const Distributions& seen = state.distributions[i];
        if (!guard.used) continue;
        if (guard.overloaded || guard.attack) return false;
        if (seen.alarms != 0 && state.now_ns - seen.alarm_since_ns < stubborn_ns) return false;
        if (guard.syn_flood && state.now_ns - guard.syn_flood_since_ns < stubborn_ns) return false;
    }
    for (const Guard& network : state.networks.entries())
        if (network.used && (network.overloaded || network.attack)) return false;
    return true;
}

// Named not long ago, or its prefix was.
bool offender(const State& state, const Key& key) noexcept {
    if (const TrackedSource* source = state.sources.find(key); source != nullptr && source->named_until > state.slot)
        return true;
    for (const unsigned length : {64u, 56u, 48u}) {
        const TrackedPrefix* prefix = state.prefixes.find(prefix_of(key, length));
        if (prefix != nullptr && prefix->named_until > state.slot) return true;
        if (key.is_v4()) break;
    }
    return false;
}

void commit_sightings(State& state) noexcept {
    while (state.pending_count > 0) {
        const PendingSighting& oldest = state.pending[state.pending_first];
        if (state.slot - oldest.slot < settled_slots) return;
        const auto seen_s = static_cast<std::uint32_t>(std::uint64_t{oldest.slot} * slot_ns / 1'000'000'000);
        if (state.memory.known(oldest.source) != nullptr || !offender(state, oldest.source))
            state.memory.learn(oldest.source, oldest.ttl, seen_s);
        state.pending_first = (state.pending_first + 1) % State::pending_max;
        --state.pending_count;
    }
}

// `free` below: up to where growth is harmless, since the floor of the threshold lies above.
float follow(float peak, double seen, double growth, double free) noexcept {
    const double most = std::max(static_cast<double>(peak) * growth, free);
    return static_cast<float>(std::max(static_cast<double>(peak) * forget_factor, std::min(seen, most)));
}

void learn_guard(const State& state, Guard& guard, double growth) noexcept {
    const Settings& settings = state.settings;
    const double free = state.learned() ? settings.destination_floor_pps / settings.destination_factor : 1e12;
    guard.peak_pps = follow(guard.peak_pps, static_cast<double>(guard.second_pps), growth, free);
    guard.second_pps = 0;
    const Turns::Window turns = guard.turns.window(state.slot);
    if (turns.samples < turns_teaching) return;
    const auto ratio = static_cast<float>(turns.ratio());
    guard.usual_turns = guard.usual_turns > 0 ? guard.usual_turns + turns_step * (ratio - guard.usual_turns) : ratio;
}

// The 99th percentile of what the sources of the last second sent, in quarter octaves.
void learn_sources(State& state, double growth) noexcept {
    std::array<std::uint32_t, 128> histogram{};
    std::uint32_t count = 0;
    for (TrackedSource& source : state.sources.entries()) {
        if (!source.used) continue;
        source.activity.advance(state.slot);
        const double rate = source.activity.slow();
        if (rate < 0.5) continue;
        ++histogram[static_cast<std::size_t>(std::clamp(4 * std::log2(rate) + 4, 0.0, 127.0))];
        ++count;
        state.memory.learn_rate(source.key, rate, state.learned() ? source_growth : 1e9);
    }
    if (count == 0) return;
    std::uint32_t above = count / 100;
    std::size_t cell = histogram.size() - 1;
    for (; cell > 0 && histogram[cell] <= above; --cell)
        above -= histogram[cell];
    const double p99 = std::exp2((static_cast<double>(cell) - 3) / 4);
    state.source_p99_pps =
        follow(state.source_p99_pps, p99, growth, state.learned() ? state.settings.source_floor_pps : 1e12);
}

void learn_prefixes(State& state) noexcept {
    const double growth = state.learned() ? source_growth : 1e9;
    for (TrackedPrefix& prefix : state.prefixes.entries()) {
        if (!prefix.used) continue;
        prefix.activity.advance(state.slot);
        if (prefix.activity.slow() < 0.5) continue;
        const Key source = prefix.key.is_v4() ? prefix.key : Key{prefix.key.high, 0};
        state.memory.learn_prefix_rate(source, prefix.activity.slow(), growth);
    }
}

void learn_second(State& state) noexcept {
    if (state.second_samples == 0) return;  // idle time teaches nothing
    const double growth = state.learned() ? std::pow(state.settings.follow_per_hour, 1.0 / 3600) : 1e9;
    for (unsigned i = 0; i <= destinations_max; ++i) {
        Guard& guard = state.guards[i];
        if (!guard.used || guard.activity.window() <= 0) continue;
        learn_guard(state, guard, growth);
        if (i != rest_block) state.distributions[i].learn();
    }
    for (Guard& network : state.networks.entries())
        if (network.used) learn_guard(state, network, growth);
    learn_sources(state, growth);
    learn_prefixes(state);
    state.total_peak_pps =
        follow(state.total_peak_pps, static_cast<double>(state.total_second_pps), growth, state.learned() ? 0 : 1e12);
    const bool before = state.learned();
    state.learned_s += std::clamp(state.second_samples / traffic_samples, least_credit, 1.0);
    if (!before && state.learned())
        state.notices.push_back({"baseline-learned", Prefix{.length = 0}, "learned values are in force", {}});
}

void note_peaks(State& state) noexcept {
    const auto peak = [&](Activity& activity, float& second) {
        activity.advance(state.slot);
        second = std::max(second, static_cast<float>(activity.window() / state.window_s));
    };
    for (Guard& guard : state.guards)
        if (guard.used) peak(guard.activity, guard.second_pps);
    for (Guard& network : state.networks.entries())
        if (network.used) peak(network.activity, network.second_pps);
    peak(state.total, state.total_second_pps);
}

void start_second(State& state) noexcept {
    state.second = state.now_s();
    state.second_calm = true;
    state.second_samples = 0;
    state.total_second_pps = 0;
    for (Guard& guard : state.guards)
        guard.second_pps = 0;
    for (Guard& network : state.networks.entries())
        network.second_pps = 0;
}

}  // namespace

void learn_from_calm(State& state) noexcept {
    if (!calm(state)) {
        state.second_calm = false;
        state.pending_count = 0;
    } else {
        commit_sightings(state);
        note_peaks(state);
    }
    if (state.now_s() == state.second) return;
    if (state.second_calm) learn_second(state);
    start_second(state);
}

}  // namespace gabion::detect
