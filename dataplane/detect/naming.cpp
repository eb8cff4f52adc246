// SPDX-License-Identifier: Apache-2.0
// Names what overloads a destination: sources above their allowance, forged known sources, prefixes whose sources rotate; and says so when a
// flood comes from everywhere.
#include <algorithm>
#include <bit>
#include <cmath>

#include "bpf/abi/quarantine.h"
#include "dataplane/detect/state.h"

namespace gabion::detect {
namespace {

constexpr std::uint32_t held_slots = 50;  // one second: then, if it still gets through, it is named again
constexpr std::uint32_t wider_held_slots = 10;
constexpr std::uint32_t unlearned_for = 10;  // times the quarantine
constexpr std::uint8_t hop_tolerance = 1;
// Of a known source's packets, from which on they are judged by their TTL. A forged SYN makes its victim answer with a RST of the right
// TTL, so that half is the most that such a flood shows; what is then dropped is nothing but what contradicts.
constexpr double forged_share = 0.25;
constexpr double rotation_share = 0.5;  // of the destination's load, in one prefix
constexpr unsigned rotation_sources = 16;
constexpr unsigned late_prefix_sources = 8;
constexpr double late_pressure = 16;         // after a quarter of a second of overload
constexpr std::uint32_t offenders_s = 10;    // the time within which offenders of a prefix are counted
constexpr std::uint32_t wide_samples = 300;  // needed to tell a thousand sources from "everywhere"
constexpr double wide_distinct = 0.8;        // of what uniform sources would occupy
constexpr double wide_entropy = 0.9;
constexpr double named_share = 0.3;      // of the load, just named: wait and see what is left
constexpr double known_share_max = 0.5;  // a crowd of known sources is no spoofed flood

Verdict quarantine(const State& state, const Prefix& target, unsigned guard, const char* reason) {
    Verdict verdict;
    verdict.kind = VerdictKind::quarantine;
    verdict.target = target;
    verdict.reason = reason;
    verdict.duration = std::chrono::milliseconds(static_cast<std::int64_t>(state.settings.quarantine_s * 1000));
    verdict.rate_pps = state.settings.quarantine_pps;
    verdict.evidence = evidence_of(state, guard);
    return verdict;
}

const DetectorSwitch& switch_of(const Settings& settings, const char* reason_detector) noexcept {
    switch (reason_detector[0]) {
        case 't':
            return settings.ttl;
        case 'e':
            return settings.entropy;
        case 's':
            return settings.size;
        default:
            return settings.rate;
    }
}

// Decides, and leaves the target alone for a while: what still arrives of it was under way, or the kernel lets it through on purpose.
template <typename Tracked>
void finish(State& state, Verdict verdict, Tracked& target) {
    verdict.dry_run = switch_of(state.settings, verdict.evidence.detector).dry_run;
    state.decide(verdict);
    const auto duration_slots = static_cast<std::uint32_t>(state.settings.quarantine_s * 1e9 / slot_ns);
    target.held_until = state.slot + (verdict.dry_run ? duration_slots : held_slots);
    target.named_until = state.slot + unlearned_for * duration_slots;
}

void take_out(State& state, unsigned guard_index, const Activity& named) noexcept {
    Guard& guard = state.guards[guard_index];
    guard.activity.remove(named);
    guard.named.add(state.slot, named.window(), 1);
    guard.named_ns = state.now_ns;
}

// A known source: what contradicts its TTLs is lost, if that is what weighs; else the flooding cell is brought down to its allowance.
void restrict_known(State& state, const TrackedSource& source, const KnownSource& known, Verdict& verdict) {
    const double forged = source.contradicting.window() / std::max(source.activity.window(), 1.0);
    verdict.reason = "forged-source";
    verdict.evidence.standing = Standing::consistent;
    if (forged >= forged_share && state.settings.ttl.enabled) {
        verdict.quarantine_flags = GABION_QUARANTINE_HOPS;
        verdict.ttl_low = static_cast<std::uint8_t>(std::max(1, known.ttl_low - hop_tolerance));
        verdict.ttl_high = static_cast<std::uint8_t>(std::min(255, known.ttl_high + hop_tolerance));
        verdict.evidence.detector = "ttl";
        verdict.evidence.standing = Standing::unproven;
        add_figure(verdict.evidence, "ttl_contradicting_share", forged, forged_share);
        return;
    }
    verdict.reason = "heavy-source";
    verdict.rate_pps =
        std::max(state.unknown_allowance(), state.settings.known_factor * static_cast<double>(known.rate_pps));
    verdict.quarantine_flags = GABION_QUARANTINE_CELL;
    verdict.protocol = source.cell_protocol;
    verdict.destination_port = source.cell_port;
}

void hold(State& state, TrackedSource& source) noexcept {
    take_out(state, source.guard, source.activity);
    for (const unsigned length : {64u, 56u, 48u}) {
        TrackedPrefix* prefix = state.prefixes.find(prefix_of(source.key, length));
        if (prefix == nullptr) continue;
        prefix->activity.advance(state.slot);
        prefix->activity.remove(source.activity);
        if (state.now_s() - prefix->offender_s > offenders_s) prefix->offenders = 0;
        prefix->offender_s = state.now_s();
        ++prefix->offenders;
        if (source.key.is_v4()) break;
    }
    source.activity.forget();
    source.contradicting.forget();
}

void name_source(State& state, TrackedSource& source, const KnownSource* known, double allowance) {
    const double window_pps = source.activity.window() / state.window_s;
    Verdict verdict = quarantine(state, source.key.address(), source.guard, "heavy-source");
    add_figure(verdict.evidence, "source_pps", std::max(window_pps, source.activity.slow()), allowance);
    verdict.evidence.samples = static_cast<std::uint32_t>(source.activity.samples());
    if (known != nullptr) {
        restrict_known(state, source, *known, verdict);
    } else if (window_pps < rotation_share * state.guards[source.guard].activity.window() / state.window_s) {
        verdict.reason = "botnet";
    }
    finish(state, verdict, source);
    hold(state, source);
}

unsigned distinct_sources(const TrackedPrefix& prefix) noexcept {
    const auto zeros = static_cast<double>(64 - std::popcount(prefix.sources | prefix.sources_before));
    return static_cast<unsigned>(64 * std::log(64 / std::max(zeros, 0.5)));
}

const char* prefix_reason(State& state, const TrackedPrefix& prefix, double allowance) noexcept {
    const double load = state.guards[prefix.guard].activity.window();
    const unsigned sources = distinct_sources(prefix);
    if (state.now_s() - prefix.offender_s <= offenders_s && prefix.offenders >= state.settings.prefix_offenders) {
        const KnownPrefix* known = state.memory.prefix(prefix.key.is_v4() ? prefix.key : Key{prefix.key.high, 0});
        if (known == nullptr || known->known_sources * 4 <= prefix.offenders) return "botnet";
    }
    if (!prefix.activity.surely_above(allowance, state.window_s, 2)) return nullptr;
    if (sources >= rotation_sources && prefix.activity.window() >= rotation_share * load) return "rotation";
    return sources >= late_prefix_sources && state.pressure[prefix.guard] >= late_pressure ? "rotation" : nullptr;
}

// IPv6: a prefix around the one that was just named must not be named for the same packets. The lengths are sampled apart, so
// that a difference of the two would be noise where the named one is most of it.
void hold_wider(State& state, const TrackedPrefix& named) noexcept {
    if (named.key.is_v4()) return;
    for (const unsigned length : {56u, 48u}) {
        if (length >= named.key.low) continue;
        TrackedPrefix* wider = state.prefixes.find(prefix_of(Key{named.key.high, 0}, length));
        if (wider == nullptr) continue;
        wider->activity.advance(state.slot);
        if (named.activity.window() >= wider->activity.window() / 2) {
            wider->activity.forget();
            wider->held_until = state.slot + wider_held_slots;
        } else {
            wider->activity.remove(named.activity);
        }
    }
}

void name_prefix(State& state, TrackedPrefix& prefix, const char* reason, double allowance) {
    Verdict verdict = quarantine(state, prefix_from(prefix.key), prefix.guard, reason);
    verdict.quarantine_flags = GABION_QUARANTINE_SPARE_KNOWN;
    verdict.evidence.samples = static_cast<std::uint32_t>(prefix.activity.samples());
    add_figure(verdict.evidence, "prefix_pps", prefix.activity.window() / state.window_s, allowance);
    add_figure(verdict.evidence, "prefix_sources", distinct_sources(prefix), rotation_sources);
    finish(state, verdict, prefix);
    prefix.offenders = 0;
    take_out(state, prefix.guard, prefix.activity);
    hold_wider(state, prefix);
    prefix.activity.forget();
}

void name_prefixes_of_length(State& state, std::uint64_t length6) {
    for (TrackedPrefix& prefix : state.prefixes.entries()) {
        if (state.full()) return;
        if (!prefix.used || !state.hot[prefix.guard] || prefix.held_until > state.slot) continue;
        if (prefix.key.is_v4() ? length6 != 64 : prefix.key.low != length6) continue;
        prefix.activity.advance(state.slot);
        const double allowance = state.prefix_allowance(prefix.key);
        if (const char* reason = prefix_reason(state, prefix, allowance)) name_prefix(state, prefix, reason, allowance);
    }
}

bool comes_from_everywhere(const Distributions& seen) noexcept {
    const double n = seen.entropy.samples;
    if (n < wide_samples || seen.known_share > known_share_max) return false;
    const double uniform = source_buckets * (1 - std::exp(-n / source_buckets));
    return seen.entropy.distinct >= wide_distinct * uniform && seen.entropy.normalised() >= wide_entropy;
}

void cap_destination(State& state, unsigned index) {
    Guard& guard = state.guards[index];
    const double rate = guard.activity.window() / state.window_s;
    const auto renew_ns = static_cast<std::uint64_t>(state.settings.posture_s * 5e8);
    if (!state.learned() || rate < state.settings.spoofed_floor_pps) return;
    if (guard.cap_ns != 0 && state.now_ns - guard.cap_ns < renew_ns) return;
    guard.cap_ns = state.now_ns;
    Verdict verdict = quarantine(state, guard.key.address(), index, "spoofed-flood");
    verdict.kind = VerdictKind::cap;
    verdict.duration = std::chrono::milliseconds(static_cast<std::int64_t>(state.settings.posture_s * 1000));
    verdict.rate_pps =
        std::max(state.settings.cap_floor_pps, state.settings.cap_factor * static_cast<double>(guard.peak_pps));
    verdict.dry_run = state.settings.entropy.dry_run;
    state.decide(verdict);
}

}  // namespace

void name_sources(State& state) {
    if (!state.settings.rate.enabled) return;
    for (TrackedSource& source : state.sources.entries()) {
        if (state.full()) return;
        if (!source.used || !state.hot[source.guard] || source.held_until > state.slot) continue;
        source.activity.advance(state.slot);
        source.contradicting.advance(state.slot);
        const KnownSource* known = state.memory.known(source.key);
        const double allowance = state.allowance(source.guard, known);
        if (source.activity.surely_above(allowance, state.window_s, 2)) name_source(state, source, known, allowance);
    }
}

void name_prefixes(State& state) {
    if (!state.settings.rate.enabled) return;
    for (const std::uint64_t length6 : {64u, 56u, 48u})
        name_prefixes_of_length(state, length6);
}

void cap_spoofed(State& state) {
    for (unsigned i = 0; i <= destinations_max; ++i) {
        Guard& guard = state.guards[i];
        const Distributions& seen = state.distributions[i];
        if (!guard.overloaded || !guard.activity.surely_above(guard.threshold_pps, state.window_s, 3)) continue;
        if (!state.settings.entropy.enabled || !comes_from_everywhere(seen)) continue;
        guard.named.advance(state.slot);
        if (guard.named.window() > named_share * (guard.named.window() + guard.activity.window())) continue;
        if (!guard.spoofed_noticed) {
            guard.spoofed_noticed = true;
            Evidence evidence = evidence_of(state, i);
            evidence.detector = "entropy";
            add_figure(evidence, "entropy_normalised", seen.entropy.normalised(), wide_entropy);
            state.notices.push_back({"spoofed-flood", i == rest_block ? Prefix{.length = 0} : guard.key.address(),
                                     "packets come from everywhere: no source is named", evidence});
        }
        if (i != rest_block) cap_destination(state, i);
    }
}

}  // namespace gabion::detect
