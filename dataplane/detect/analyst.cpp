// SPDX-License-Identifier: Apache-2.0
#include "dataplane/detect/analyst.h"

#include <algorithm>

#include "dataplane/detect/state.h"
#include "dataplane/detect/store.h"

namespace gabion::detect {
namespace {

// What the window's weights stand for: the time that its summaries cover. Four slots at least, so that the first packets after
// a silence are no rate yet.
double window_seconds(const State& state) noexcept {
    std::uint64_t start = state.now_ns, end = 0;
    for (const State::Span& span : state.spans) {
        if (state.slot - span.slot >= window_slots) continue;
        start = std::min(start, span.start_ns);
        end = std::max(end, span.end_ns);
    }
    constexpr std::uint64_t least_ns = window_ns - slot_ns;
    return static_cast<double>(end > start ? std::max(end - start, least_ns) : window_ns) / 1e9;
}

}  // namespace

Analyst::Analyst(const Settings& settings, const HashKey& hash) : state_(std::make_unique<State>(settings, hash)) {}
Analyst::~Analyst() = default;

void Analyst::configure(const Settings& settings) noexcept { state_->settings = settings; }
void Analyst::ingest(const SlotSummary& slot) noexcept { ingest_slot(*state_, slot); }

Judgement Analyst::judge(std::uint64_t now_ns) {
    State& state = *state_;
    state.now_ns = now_ns;
    state.slot = static_cast<std::uint32_t>(now_ns / slot_ns);
    state.window_s = window_seconds(state);
    state.verdicts.clear();
    state.notices.clear();
    judge_guards(state);
    if (std::find(state.hot.begin(), state.hot.end(), true) != state.hot.end()) {
        name_sources(state);
        name_prefixes(state);
        cap_spoofed(state);
    }
    learn_from_calm(state);
    return {state.verdicts, state.notices};
}

bool Analyst::learned() const noexcept { return state_->learned(); }

bool Analyst::under_attack() const noexcept {
    const auto attacked = [](const Guard& guard) { return guard.used && guard.attack; };
    return std::any_of(state_->guards.begin(), state_->guards.end(), attacked) ||
           std::any_of(state_->networks.entries().begin(), state_->networks.entries().end(), attacked);
}

bool Analyst::syn_flood() const noexcept {
    return !state_->settings.syn_fin.dry_run &&
           std::any_of(state_->guards.begin(), state_->guards.end(),
                       [](const Guard& guard) { return guard.used && guard.syn_flood; });
}

void Analyst::note_answered(std::uint64_t syns, std::uint64_t now_ns) noexcept {
    const auto slot = static_cast<std::uint32_t>(now_ns / slot_ns);
    const auto samples = static_cast<std::uint32_t>(std::min<std::uint64_t>(syns, UINT32_MAX));
    for (Guard& guard : state_->guards)
        if (guard.used && guard.syn_flood) guard.turns.add(slot, static_cast<double>(syns), 0, samples);
}

double Analyst::calm_peak_pps() const noexcept { return static_cast<double>(state_->total_peak_pps); }
std::vector<Prefix> Analyst::calm_sources() const { return state_->memory.calm_sources(); }

std::vector<std::byte> Analyst::save_baseline() const { return write_baseline(*state_); }

Result<void> Analyst::restore_baseline(std::span<const std::byte> bytes, std::uint64_t now_ns) {
    auto fresh = std::make_unique<State>(state_->settings, state_->hash);
    if (auto done = read_baseline(*fresh, bytes, static_cast<std::uint32_t>(now_ns / 1'000'000'000)); !done)
        return done;
    state_ = std::move(fresh);
    return {};
}

}  // namespace gabion::detect
