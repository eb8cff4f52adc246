// SPDX-License-Identifier: Apache-2.0
// The judge: takes all workers' slots, keeps a sliding window of 100 ms over them, learns in calm times, and decides every 20 ms. Pure: the
// time (CLOCK_MONOTONIC, ns) comes as an argument. One thread. About 8 MB, taken at construction.
//
// Order of events in an attack: the first slot that is surely above a destination's threshold raises its posture (thicker sampling);
// the second names sources that are surely above their allowance (poisson.h: at most one in a million at the allowance); what cannot
// be named by address is named by prefix; a wide flood is capped at the destination. Learning rests until all is calm again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/detect/key.h"
#include "dataplane/detect/settings.h"
#include "dataplane/detect/verdict.h"

namespace gabion::detect {

struct SlotSummary;
struct State;

// Valid until the next judge().
struct Judgement {
    std::span<const Verdict> verdicts;
    std::span<const Notice> notices;
};

// What is known of an address, for `gabion why`.
struct Explanation {
    bool known = false;  // from calm times
    bool seen = false;   // among the sources that are tracked at present
    Standing standing = Standing::unproven;
    std::vector<Figure> figures;  // present values beside the bounds that would hold if its destination were overloaded
    std::vector<Verdict> verdicts;  // the latest on this address or a prefix of it, newest first
    std::string text;
};

class Analyst {
public:
    Analyst(const Settings& settings, const HashKey& hash);
    ~Analyst();
    Analyst(const Analyst&) = delete;
    Analyst& operator=(const Analyst&) = delete;

    void configure(const Settings& settings) noexcept;
    void ingest(const SlotSummary& slot) noexcept;
    Judgement judge(std::uint64_t now_ns);

    [[nodiscard]] bool learned() const noexcept;  // learned values are in force
    [[nodiscard]] bool under_attack() const noexcept;
    // Some destination's SYNs are out of proportion to the ends of its connections; in a dry run of that detector, none.
    [[nodiscard]] bool syn_flood() const noexcept;
    // SYNs that the kernel answered by itself, which no worker sees: they count for the destinations that had too many before.
    void note_answered(std::uint64_t syns, std::uint64_t now_ns) noexcept;
    [[nodiscard]] double calm_peak_pps() const noexcept;  // all destinations together, in 100 ms windows
    // Addresses seen in calm times in at least two windows a second or more apart.
    [[nodiscard]] std::vector<Prefix> calm_sources() const;
    [[nodiscard]] Explanation explain(const Prefix& address) const;

    // The baseline as bytes (versioned, checksummed; see store.h) and back; restoring what does not check out changes nothing.
    [[nodiscard]] std::vector<std::byte> save_baseline() const;
    Result<void> restore_baseline(std::span<const std::byte> bytes, std::uint64_t now_ns);

private:
    std::unique_ptr<State> state_;
};

}  // namespace gabion::detect
