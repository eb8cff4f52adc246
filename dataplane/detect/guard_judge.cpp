// SPDX-License-Identifier: Apache-2.0
// Watches each destination: alarms of its distributions, overload, posture, and the attack's begin and end.
#include <algorithm>
#include <cmath>

#include "dataplane/detect/state.h"

namespace gabion::detect {
namespace {

constexpr std::uint32_t alarm_samples = 100;   // a window with fewer raises no alarm
constexpr std::uint32_t alarm_sightings = 30;  // of sources whose distance is known
constexpr double wide_share = 0.85;  // of the entropy's ceiling: more cannot be told apart with so few samples
constexpr double deviations = 4;
constexpr double pressure_ns = 60e6;  // an overload that lasts halves the allowance of unknown sources each time
constexpr double pressure_max = 1024;
constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t cleaning_ns = 2'000'000'000;  // after a source was named, the last ones are looked for
constexpr double cleaning_factor = 1.5;
constexpr std::uint64_t crowd_ns = 600'000'000'000;
constexpr float crowd_growth = 1.000032f;  // a judgement: a tenth in a minute
constexpr double unlearned_posture = 4;
constexpr unsigned posture_at_once = 16;  // destinations of a carpet-bombed network; the kernel's table holds 64 in all

std::uint64_t nanoseconds(double seconds) noexcept { return static_cast<std::uint64_t>(seconds * 1e9); }

unsigned entropy_alarms(const Settings& settings, const Distributions& seen) noexcept {
    if (!settings.entropy.enabled || !seen.bits.learned() || seen.entropy.samples < alarm_samples) return 0;
    const double ceiling = seen.entropy.ceiling_bits;
    const double usual = static_cast<double>(seen.bits.median());
    const double margin = std::max(settings.entropy_bits, deviations * static_cast<double>(seen.bits.deviation()));
    // Learned with few samples, "wide" says nothing about how wide; judged with few samples, nothing reaches what was learned with many.
    const bool wide = static_cast<double>(seen.normalised.median()) >= wide_share;
    unsigned alarms = 0;
    if (seen.entropy.bits < std::min(usual, wide_share * ceiling) - margin) alarms |= alarm_fall;
    if (!wide && seen.entropy.bits > usual + margin) alarms |= alarm_rise;
    return alarms;
}

unsigned alarms_of(const Settings& settings, const Distributions& seen) noexcept {
    unsigned alarms = entropy_alarms(settings, seen);
    if (settings.ttl.enabled && seen.ttl_samples >= alarm_sightings) {
        const double error = std::sqrt(seen.ttl_share * (1 - seen.ttl_share) / seen.ttl_samples);
        if (seen.ttl_share - 3 * error > settings.ttl_share) alarms |= alarm_ttl;
    }
    if (settings.size.enabled && seen.size_divergence.learned() && seen.entropy.samples >= alarm_samples) {
        const double usual = static_cast<double>(seen.size_divergence.median());
        const double spread = deviations * static_cast<double>(seen.size_divergence.deviation());
        if (seen.divergence > std::max(settings.size_divergence, usual + spread)) alarms |= alarm_size;
    }
    return alarms;
}

// Before anything is learned, a destination above the bound counts as overloaded; its sources are named only when the
// entropy has collapsed or one of them alone is above the bound (State::allowance).
double threshold_of(const State& state, bool alarmed, const Guard& guard) noexcept {
    const Settings& settings = state.settings;
    if (!state.learned()) return settings.unlearned_destination_pps;
    const auto peak = static_cast<double>(guard.peak_pps);
    const bool cleaning = guard.named_ns != 0 && state.now_ns - guard.named_ns < cleaning_ns;
    if (cleaning) return std::max(settings.prefix_floor_pps, cleaning_factor * peak);
    if (alarmed) return std::max(settings.alarmed_floor_pps, settings.alarmed_factor * peak);
    return std::max(settings.destination_floor_pps, settings.destination_factor * peak);
}

void raise_posture(State& state, const Prefix& target, unsigned guard, const char* reason) {
    Verdict verdict;
    verdict.kind = VerdictKind::raise_posture;
    verdict.target = target;
    verdict.reason = reason;
    verdict.duration = std::chrono::milliseconds(static_cast<std::int64_t>(state.settings.posture_s * 1000));
    verdict.one_in = state.settings.posture_one_in;
    verdict.evidence = evidence_of(state, guard);
    state.decide(verdict);
}

bool posture_due(const State& state, const Guard& guard) noexcept {
    return guard.posture_ns == 0 || state.now_ns - guard.posture_ns > nanoseconds(state.settings.posture_s / 2);
}

void notice(State& state, const char* kind, const Prefix& target, unsigned guard, std::string text) {
    state.notices.push_back({kind, target, std::move(text), evidence_of(state, guard)});
}

// While a cap holds, what lies behind it cannot be seen.
bool capped(const State& state, const Guard& guard) noexcept {
    return guard.cap_ns != 0 && state.now_ns - guard.cap_ns <= nanoseconds(state.settings.posture_s + 1);
}

// The attack's state from this judgement's overload; `guard_index` gives the evidence.
void follow_attack(State& state, Guard& guard, const Prefix& target, unsigned guard_index) {
    if (guard.overloaded) {
        if (guard.overload_last_ns == 0 || state.now_ns - guard.overload_last_ns > second_ns)
            guard.overload_since_ns = state.now_ns;
        guard.overload_last_ns = state.now_ns;
        if (!guard.attack) {
            guard.attack = true;
            guard.attack_since_ns = state.now_ns;
            guard.spoofed_noticed = false;
            notice(state, "attack-began", target, guard_index,
                   std::to_string(static_cast<long>(guard.activity.window() / state.window_s)) +
                       " packets a second, expected are at most " +
                       std::to_string(static_cast<long>(guard.threshold_pps)));
        }
    } else if (guard.attack && state.now_ns - guard.overload_last_ns > nanoseconds(state.settings.calm_after_s) &&
               !capped(state, guard)) {
        guard.attack = false;
        guard.posture_ns = 0;
        notice(state, "attack-ended", target, guard_index, "back to normal");
    }
}

// A SYN flood that is no overload fills a listener's queue all the same.
void judge_turns(State& state, Guard& guard, unsigned index) {
    const Settings& settings = state.settings;
    const Turns::Window turns = guard.turns.window(state.slot);
    const double pps = turns.opened / Turns::span_s;
    const bool before = guard.syn_flood;
    guard.syn_flood =
        settings.syn_fin.enabled && state.learned() && pps >= settings.syn_floor_pps && state.turns_out(guard, turns);
    if (guard.syn_flood == before) return;
    if (guard.syn_flood) guard.syn_flood_since_ns = state.now_ns;
    Evidence evidence = evidence_of(state, index);
    evidence.detector = "syn-fin";
    evidence.window_ms = static_cast<std::uint32_t>(Turns::span_s * 1000);
    evidence.samples = turns.samples;
    const Prefix target = index == rest_block ? Prefix{.length = 0} : guard.key.address();
    state.notices.push_back({guard.syn_flood ? "syn-fin-began" : "syn-fin-ended", target,
                             std::to_string(std::lround(pps)) + " SYNs a second, " +
                                 std::to_string(std::lround(turns.ratio())) + " for each end of a connection",
                             evidence});
}

// An overload of many minutes in which nobody could be named is a crowd that stays: its rate becomes usual, slowly.
void accept_crowd(const State& state, Guard& guard) noexcept {
    const bool lasting = guard.overloaded && state.now_ns - guard.attack_since_ns > crowd_ns;
    const bool named = guard.named_ns != 0 && state.now_ns - guard.named_ns < crowd_ns;
    if (!lasting || named || capped(state, guard)) return;
    const double harmless = state.settings.destination_floor_pps / state.settings.destination_factor;
    guard.peak_pps = std::max(guard.peak_pps, static_cast<float>(harmless)) * crowd_growth;
}

double pressure_of(const State& state, const Guard& guard) noexcept {
    if (guard.overload_last_ns == 0 || state.now_ns - guard.overload_last_ns > second_ns) return 1;
    const double steps = static_cast<double>(guard.overload_last_ns - guard.overload_since_ns) / pressure_ns;
    return std::min(pressure_max, std::exp2(std::floor(steps)));
}

void judge_guard(State& state, unsigned index) {
    Guard& guard = state.guards[index];
    Distributions& seen = state.distributions[index];
    guard.activity.advance(state.slot);
    const bool present = guard.activity.window() > 0;
    if (present) seen.measure(state.slot);
    const bool learned = state.learned();
    const unsigned alarms = present && learned && index != rest_block ? alarms_of(state.settings, seen) : 0;
    if (alarms != 0 && seen.alarms == 0) seen.alarm_since_ns = state.now_ns;
    seen.alarms = alarms;
    guard.threshold_pps = threshold_of(state, alarms != 0, guard);
    // Before anything is learned, thick sampling begins well before the bound, which then is told from what lies near it.
    const double posture_pps = learned ? guard.threshold_pps : guard.threshold_pps / unlearned_posture;
    const bool suspicious = guard.activity.surely_above(posture_pps, state.window_s, 1);
    guard.overloaded = guard.activity.surely_above(guard.threshold_pps, state.window_s, 2);
    if ((suspicious || alarms != 0) && index != rest_block && posture_due(state, guard)) {
        guard.posture_ns = state.now_ns;
        raise_posture(state, guard.key.address(), index, suspicious ? "overload" : "alarm");
    }
    follow_attack(state, guard, index == rest_block ? Prefix{.length = 0} : guard.key.address(), index);
    judge_turns(state, guard, index);
    accept_crowd(state, guard);
    state.hot[index] = guard.overloaded;
    state.pressure[index] = pressure_of(state, guard);
}

// A network counts when its load lies on many addresses, none of which is judged for itself.
void judge_network(State& state, Guard& network) {
    network.activity.advance(state.slot);
    network.threshold_pps = threshold_of(state, false, network);
    double heaviest = 0;
    bool inside_hot = false;
    for (unsigned i = 0; i < destinations_max; ++i) {
        const Guard& guard = state.guards[i];
        if (!guard.used || prefix_of(guard.key, 64) != network.key) continue;
        heaviest = std::max(heaviest, guard.activity.window());
        inside_hot |= guard.attack;
    }
    const bool alone = heaviest > network.activity.window() / 2 || (inside_hot && !network.attack);
    const bool suspicious = !alone && network.activity.surely_above(network.threshold_pps, state.window_s, 1);
    network.overloaded = suspicious && network.activity.slots_seen() >= 2;
    const bool posture = suspicious && posture_due(state, network);
    if (posture) network.posture_ns = state.now_ns;
    follow_attack(state, network, prefix_from(network.key), rest_block);
    if (!network.overloaded && !posture) return;
    const double pressure = pressure_of(state, network);
    unsigned raised = 0;
    for (unsigned i = 0; i <= rest_block; ++i) {
        Guard& guard = state.guards[i];
        const bool inside = i == rest_block || (guard.used && prefix_of(guard.key, 64) == network.key);
        if (!inside) continue;
        if (network.overloaded) {
            state.hot[i] = true;
            state.pressure[i] = std::max(state.pressure[i], pressure);
        }
        if (posture && i != rest_block && guard.activity.window() > 0 && raised++ < posture_at_once)
            raise_posture(state, guard.key.address(), i, "overload");
    }
}

}  // namespace

void judge_guards(State& state) {
    for (unsigned i = 0; i <= destinations_max; ++i)
        if (state.guards[i].used) judge_guard(state, i);
    for (Guard& network : state.networks.entries())
        if (network.used) judge_network(state, network);
}

}  // namespace gabion::detect
