// SPDX-License-Identifier: Apache-2.0
#include "dataplane/detect/state.h"

#include <algorithm>
#include <cmath>

namespace gabion::detect {

State::State(const Settings& chosen, const HashKey& key)
    : settings(chosen),
      hash(key),
      memory(hash),
      sources(hash, tracked_sources / 8),
      prefixes(hash, tracked_prefixes / 8),
      networks(hash, networks_max / 8),
      guards(destinations_max + 1),
      distributions(destinations_max + 1),
      pending(pending_max) {
    guards[rest_block].used = true;
    pressure.fill(1);
    verdicts.reserve(settings.verdicts_max);
    recent.reserve(recent_verdicts);
}

namespace {

// SYNs for each end of a connection are out of proportion above so many times the usual, in a window with so many samples.
constexpr double turns_factor = 4;
constexpr std::uint32_t turns_samples = 100;
// Before anything is learned: fewer sources than this, in effect, make an overload an attack of each of them.
constexpr double collapsed_bits = 4;
constexpr std::uint32_t collapsed_samples = 100;

bool collapsed(const Settings& settings, const EntropyEstimate& entropy) noexcept {
    return settings.entropy.enabled && entropy.samples >= collapsed_samples && entropy.bits < collapsed_bits;
}

}  // namespace

double State::unknown_allowance() const noexcept {
    if (!learned()) return settings.unlearned_source_pps;
    return std::max(settings.source_floor_pps, settings.source_factor * static_cast<double>(source_p99_pps));
}

double State::allowance(unsigned guard, const KnownSource* known) const noexcept {
    const double unknown = unknown_allowance();
    if (!learned() && collapsed(settings, distributions[guard].entropy)) return unknown / std::exp2(collapsed_bits);
    if (known != nullptr) return std::max(unknown, settings.known_factor * static_cast<double>(known->rate_pps));
    return std::max(std::min(unknown, settings.source_floor_pps), unknown / pressure[guard]);
}

double State::prefix_allowance(const Key& prefix) const noexcept {
    if (!learned()) return settings.unlearned_source_pps;
    const Key source = prefix.is_v4() ? prefix : Key{prefix.high, 0};
    const KnownPrefix* known = memory.prefix(source);
    const double rate = known != nullptr ? static_cast<double>(known->rate_pps) : 0;
    return std::max(settings.prefix_floor_pps, settings.prefix_factor * rate);
}

double State::turns_bound(const Guard& guard) const noexcept {
    return std::max(settings.syns_per_end, turns_factor * static_cast<double>(guard.usual_turns));
}

bool State::turns_out(const Guard& guard, const Turns::Window& turns) const noexcept {
    return turns.samples >= turns_samples && turns.ratio() > turns_bound(guard);
}

void State::decide(Verdict verdict) {
    if (full()) return;
    verdict.decided_ns = now_ns;
    verdicts.push_back(verdict);
    if (recent.size() < recent_verdicts) {
        recent.push_back(verdict);
    } else {
        recent[recent_next] = verdict;
    }
    recent_next = (recent_next + 1) % recent_verdicts;
}

void add_figure(Evidence& evidence, const char* name, double value, double threshold) noexcept {
    if (evidence.figure_count < evidence.figures.size())
        evidence.figures[evidence.figure_count++] = {name, value, threshold};
}

Evidence evidence_of(const State& state, unsigned guard) {
    const Guard& of = state.guards[guard];
    const Distributions& seen = state.distributions[guard];
    Evidence evidence;
    evidence.detector = (seen.alarms & alarm_ttl) != 0                   ? "ttl"
                        : (seen.alarms & (alarm_fall | alarm_rise)) != 0 ? "entropy"
                        : (seen.alarms & alarm_size) != 0                ? "size"
                                                                         : "rate";
    evidence.window_ms = static_cast<std::uint32_t>(state.window_s * 1000);
    evidence.samples = seen.entropy.samples;
    add_figure(evidence, "destination_pps", of.activity.window() / state.window_s, of.threshold_pps);
    if ((seen.alarms & (alarm_fall | alarm_rise)) != 0)
        add_figure(evidence, "entropy_bits", seen.entropy.bits, static_cast<double>(seen.bits.median()));
    if ((seen.alarms & alarm_ttl) != 0)
        add_figure(evidence, "ttl_contradicting_share", seen.ttl_share, state.settings.ttl_share);
    if ((seen.alarms & alarm_size) != 0)
        add_figure(evidence, "size_divergence_bits", seen.divergence, state.settings.size_divergence);
    const Turns::Window turns = of.turns.window(state.slot);
    constexpr unsigned room = 3;  // for what names a source
    if (evidence.figure_count + room <= evidence.figures.size() && state.turns_out(of, turns))
        add_figure(evidence, "syns_per_end", turns.ratio(), state.turns_bound(of));
    return evidence;
}

}  // namespace gabion::detect
