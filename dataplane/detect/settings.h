// SPDX-License-Identifier: Apache-2.0
// What an operator may tell the detectors: the table [detectors] of the configuration. Rates are packets a second, not counting
// TCP connections that the host holds as established.
#pragma once

#include <cstdint>

namespace gabion::detect {

struct DetectorSwitch {
    bool enabled = true;
    bool dry_run = false;  // its verdicts are marked and must not be enforced
};

struct Settings {
    // [detectors.rate], [detectors.entropy], [detectors.ttl], [detectors.size], [detectors.syn_fin]: enabled, dry_run. Rate alone names sources
    // by their weight; the next three bring the threshold down, tell the kind of attack, and know forged sources; the last one has
    // the SYNs of a destination met as in a flood, whatever their rate.
    DetectorSwitch rate, entropy, ttl, size, syn_fin;

    double learning_s = 10;  // of calm with traffic, before learned values take over

    // Until then: what no single source and, with an entropy collapse, no destination is allowed.
    double unlearned_source_pps = 400'000;
    double unlearned_destination_pps = 400'000;

    // A destination is overloaded above max(floor, factor * learned peak); the second pair counts while a distribution is off.
    double destination_floor_pps = 10'000;
    double destination_factor = 4;
    double alarmed_floor_pps = 5'000;
    double alarmed_factor = 2;

    // While its destination is overloaded a source unknown from calm times may send max(floor, factor * learned 99th percentile);
    // the allowance halves every 60 ms, down to the floor, as long as the overload lasts.
    double source_floor_pps = 200;
    double source_factor = 4;
    double known_factor = 4;  // a known source: times its own learned rate, but not less than an unknown one
    double prefix_floor_pps = 2'000;
    double prefix_factor = 4;
    unsigned prefix_offenders = 16;  // named sources of a prefix within 10 s that get the prefix named

    // Distributions: how far off is off.
    double entropy_bits = 1.0;     // at least; and 4 robust standard deviations
    double ttl_share = 0.3;        // of packets whose hop count contradicts what was learned
    double size_divergence = 0.3;  // Jensen-Shannon, bits; and 4 robust standard deviations above its own median

    // SYNs are out of proportion above both of these (turns.h), over ten seconds.
    double syns_per_end = 4;  // and four times what is usual for the destination
    double syn_floor_pps = 100;

    double spoofed_floor_pps = 50'000;  // a destination cap is set from here
    double cap_factor = 2;              // what a capped destination may still get, times its learned peak
    double cap_floor_pps = 10'000;      // and at least this

    double follow_per_hour = 2;  // learned rates rise by at most this factor an hour

    double quarantine_pps = 8;
    double quarantine_s = 60;
    std::uint32_t posture_one_in = 16;
    double posture_s = 10;
    double calm_after_s = 5;
    unsigned verdicts_max = 512;  // in one judgement
};

}  // namespace gabion::detect
