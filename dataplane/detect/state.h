// SPDX-License-Identifier: Apache-2.0
// The analyst's working state, shared by its steps: ingest.cpp fills it, guard_judge.cpp watches destinations, naming.cpp names
// sources and prefixes, learning.cpp learns, explain.cpp tells. All sizes are fixed but those of the two output lists.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/detect/activity.h"
#include "dataplane/detect/fixed_table.h"
#include "dataplane/detect/guard.h"
#include "dataplane/detect/memory.h"
#include "dataplane/detect/settings.h"
#include "dataplane/detect/slot.h"
#include "dataplane/detect/verdict.h"

namespace gabion::detect {

struct TrackedSource {
    Key key;
    Activity activity;
    Activity contradicting;  // of sightings whose TTL contradicts what is known
    Activity established;
    std::uint32_t held_until = 0;   // slot; it was named, the kernel deals with it
    std::uint32_t named_until = 0;  // slot; what trickles through until then makes nobody known
    std::uint16_t cell_port = 0;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t cell_protocol = 0;
    std::uint8_t protocol = 0;
    std::uint8_t ttl_min = 255;
    std::uint8_t ttl_max = 0;
    std::uint8_t guard = rest_block;
    bool used = false;
};

struct TrackedPrefix {
    Key key;
    Activity activity;
    std::uint64_t sources = 0;  // linear counting, of the last second or so
    std::uint64_t sources_before = 0;
    std::uint32_t sources_slot = 0;
    std::uint32_t held_until = 0;
    std::uint32_t named_until = 0;
    std::uint32_t offenders = 0;
    std::uint32_t offender_s = 0;
    std::uint8_t guard = rest_block;
    bool used = false;
};

struct PendingSighting {
    Key source;
    std::uint32_t slot = 0;
    std::uint8_t ttl = 0;
};

struct State {
    static constexpr std::size_t tracked_sources = 8192;
    static constexpr std::size_t tracked_prefixes = 4096;
    static constexpr std::size_t networks_max = 64;
    static constexpr std::size_t pending_max = 8192;
    static constexpr std::size_t recent_verdicts = 1024;

    State(const Settings& chosen, const HashKey& key);

    Settings settings;
    HashKey hash;
    Memory memory;
    FixedTable<TrackedSource> sources;
    FixedTable<TrackedPrefix> prefixes;
    FixedTable<Guard> networks;
    std::vector<Guard> guards;                            // destinations_max, then the rest
    std::vector<Distributions> distributions;             // beside guards
    std::array<bool, destinations_max + 1> hot{};         // its sources are to be judged
    std::array<double, destinations_max + 1> pressure{};  // divides the allowance of unknown sources
    Activity total;

    std::vector<PendingSighting> pending;  // a ring: sightings wait until it is sure that they were calm
    std::size_t pending_first = 0;
    std::size_t pending_count = 0;

    double learned_s = 0;      // calm seconds with traffic
    float source_p99_pps = 0;  // of sources in calm times
    float total_peak_pps = 0;
    float total_second_pps = 0;
    std::uint32_t second = 0;          // the running second
    std::uint32_t second_samples = 0;  // packets sampled in it
    bool second_calm = true;

    std::uint32_t slot = 0;
    std::uint64_t now_ns = 0;
    double window_s = 0.1;  // what the window's weights stand for
    struct Span {
        std::uint32_t slot = 0;
        std::uint64_t start_ns = 0;
        std::uint64_t end_ns = 0;
    };
    std::array<Span, window_slots> spans{};  // what the summaries that ended in each slot cover together

    std::vector<Verdict> verdicts;
    std::vector<Notice> notices;
    std::vector<Verdict> recent;  // a ring
    std::size_t recent_next = 0;

    [[nodiscard]] bool learned() const noexcept { return learned_s >= settings.learning_s; }
    [[nodiscard]] std::uint32_t now_s() const noexcept { return static_cast<std::uint32_t>(now_ns / 1'000'000'000); }
    [[nodiscard]] double unknown_allowance() const noexcept;
    [[nodiscard]] double allowance(unsigned guard, const KnownSource* known) const noexcept;
    [[nodiscard]] double prefix_allowance(const Key& prefix) const noexcept;
    [[nodiscard]] double turns_bound(const Guard& guard) const noexcept;  // SYNs for each end
    // More than the bound, beyond what few samples make.
    [[nodiscard]] bool turns_out(const Guard& guard, const Turns::Window& turns) const noexcept;
    // As many verdicts as one judgement may hold: the rest are found again in the next.
    [[nodiscard]] bool full() const noexcept { return verdicts.size() >= settings.verdicts_max; }
    void decide(Verdict verdict);
};

void ingest_slot(State& state, const SlotSummary& slot) noexcept;
void judge_guards(State& state);
void name_sources(State& state);
void name_prefixes(State& state);
void cap_spoofed(State& state);
void learn_from_calm(State& state) noexcept;

// "rate" and, where an alarm told the kind, that detector; with the figures of the guard's window.
Evidence evidence_of(const State& state, unsigned guard);
void add_figure(Evidence& evidence, const char* name, double value, double threshold) noexcept;

}  // namespace gabion::detect
