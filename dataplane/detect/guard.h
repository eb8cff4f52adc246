// SPDX-License-Identifier: Apache-2.0
// What is watched for overload: a destination address, a /24 (/64) of destinations, or the rest of them together. Its learned peak,
// its present attack, and for addresses and the rest the distributions of the window.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/detect/activity.h"
#include "dataplane/detect/entropy.h"
#include "dataplane/detect/robust.h"
#include "dataplane/detect/slot.h"
#include "dataplane/detect/turns.h"

namespace gabion::detect {

struct Guard {
    Key key;
    bool used = false;
    Activity activity;           // what no established flow carries
    Activity named;              // what verdicts took out of it, at the time of the verdict
    float established_slow = 0;  // for `explain`
    std::uint32_t seen_slot = 0;
    Turns turns;

    // Learned in calm times.
    float peak_pps = 0;     // of 100 ms windows
    float second_pps = 0;   // the largest window of the running second
    float usual_turns = 0;  // SYNs for each end; 0 = not known

    // The present.
    bool overloaded = false;       // in this judgement
    bool attack = false;           // began, and did not end yet
    bool spoofed_noticed = false;  // in this attack
    bool syn_flood = false;        // SYNs are out of proportion to the ends of connections
    std::uint64_t syn_flood_since_ns = 0;
    std::uint64_t attack_since_ns = 0;
    std::uint64_t overload_since_ns = 0;
    std::uint64_t overload_last_ns = 0;
    std::uint64_t posture_ns = 0;  // when its posture was last raised; 0 = it is not
    std::uint64_t cap_ns = 0;
    std::uint64_t named_ns = 0;  // when a verdict last named one of its sources
    double threshold_pps = 0;
};

enum Alarm : unsigned { alarm_fall = 1, alarm_rise = 2, alarm_ttl = 4, alarm_size = 8 };

struct Distributions {
    struct Slot {
        std::uint32_t slot = 0;
        std::uint32_t contradicting = 0;  // sightings
        std::uint32_t agreeing = 0;
        float known_weight = 0;  // of sightings whose source is known from calm times
        float seen_weight = 0;
        std::array<std::uint16_t, size_cells> sizes{};
        std::array<std::uint16_t, source_buckets> sources{};
    };

    std::array<Slot, window_slots> ring{};
    RobustBaseline bits;        // entropy
    RobustBaseline normalised;  // entropy, as a share of its ceiling
    RobustBaseline size_divergence;
    std::array<float, size_cells> sizes{};  // learned, sums to 1
    std::uint32_t sizes_learned = 0;        // seconds
    unsigned alarms = 0;
    std::uint64_t alarm_since_ns = 0;

    // The window, as of the last measure().
    EntropyEstimate entropy;
    double divergence = 0;
    double ttl_share = 0;
    double known_share = 0;
    std::uint32_t ttl_samples = 0;

    Slot& at(std::uint32_t slot) noexcept;
    void add(std::uint32_t slot, const DestinationBlock& block) noexcept;
    void measure(std::uint32_t slot) noexcept;
    void learn() noexcept;

private:
    void measure_sightings(std::uint32_t slot) noexcept;
    std::array<std::uint32_t, size_cells> window_sizes_{};
};

}  // namespace gabion::detect
