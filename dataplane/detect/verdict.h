// SPDX-License-Identifier: Apache-2.0
// What the analyst decides and why: plain values that go from the analyst to the verdict writer, the events and `gabion why`.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include "dataplane/core/address.h"

namespace gabion::detect {

// How well a verdict's address is known to be the sender's. Design: a ban needs `proven`.
enum class Standing : std::uint8_t {
    unproven,    // any packet can claim any source
    consistent,  // the hop counts agree with what was learned for the source, none contradicts in the window
    proven,      // the source completed a handshake
};

// One measured figure beside the bound that it crossed.
struct Figure {
    const char* name = nullptr;  // "source_pps", "entropy_shift", ...; unit last. A literal.
    double value = 0;
    double threshold = 0;
};

struct Evidence {
    const char* detector = "";  // "rate", "entropy", "ttl", "size", "sources", "escalation". A literal.
    Standing standing = Standing::unproven;
    std::uint32_t window_ms = 0;
    std::uint32_t samples = 0;  // packets that the figures rest on
    std::array<Figure, 6> figures{};
    std::uint8_t figure_count = 0;
};

enum class VerdictKind : std::uint8_t {
    quarantine,     // target: a source address or prefix
    cap,            // target: a destination address; spares known sources
    raise_posture,  // target: a destination address that is to be sampled more thickly
    watch,          // target: a source address or prefix whose packets are all to be seen
    ban,            // target: a source address; needs proven evidence
};

struct Verdict {
    VerdictKind kind = VerdictKind::quarantine;
    Prefix target;
    const char* reason = "";  // "heavy-source", "botnet", "rotation", "forged-source", "spoofed-flood". A literal.
    std::chrono::milliseconds duration{0};
    double rate_pps = 0;                // quarantine, cap: what may still pass
    std::uint32_t one_in = 0;           // raise_posture: the sampling ratio
    std::uint8_t quarantine_flags = 0;  // GABION_QUARANTINE_*, and what they need:
    std::uint8_t ttl_low = 0;
    std::uint8_t ttl_high = 255;
    std::uint8_t protocol = 0;
    std::uint16_t destination_port = 0;
    Evidence evidence;
    std::uint64_t decided_ns = 0;  // CLOCK_MONOTONIC
    bool dry_run = false;          // its detector only tells what it would do
};

// Something an operator should read: an attack that began or ended, a detector that fired without naming a source.
struct Notice {
    const char* kind = "";  // "attack-began", "attack-ended", "spoofed-flood", "baseline-learned", ... A literal.
    Prefix target;          // the destination; length 0 when there is none
    std::string text;
    Evidence evidence;
};

}  // namespace gabion::detect
