// SPDX-License-Identifier: Apache-2.0
// What one worker saw in one slot of 20 ms, in fixed memory (about 0.7 MB): written by the worker's Observer, read by the analyst.
//
// Weights are packets: each sample counts for the `one_in` packets that it stands for. Histograms count samples. Packets of
// TCP connections that the host holds as established are counted as `established` and enter nothing else.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/detect/key.h"
#include "dataplane/detect/size_cell.h"
#include "dataplane/detect/sketch.h"

namespace gabion::detect {

inline constexpr std::uint64_t slot_ns = 20'000'000;
inline constexpr unsigned window_slots = 5;
inline constexpr std::uint64_t window_ns = slot_ns * window_slots;

inline constexpr unsigned source_buckets = 4096;
inline constexpr unsigned destinations_max = 64;          // held one by one
inline constexpr unsigned rest_block = destinations_max;  // the block of all others
inline constexpr unsigned sightings_max = 1024;

struct alignas(64) SourceDetail {
    Key key;
    std::uint32_t error = 0;
    std::uint32_t samples = 0;
    std::uint32_t scale = 0;        // the largest one_in among them
    std::uint32_t established = 0;  // weight, not contained in the sketch's count
    std::uint32_t syn = 0;          // weight of TCP SYN without ACK
    std::uint32_t cell_votes =
        0;  // majority vote (Boyer, Moore 1981): protocol and destination port of more than half the weight, if any
    std::uint16_t cell_port = 0;
    std::uint8_t cell_protocol = 0;
    std::uint8_t ttl_min = 255;
    std::uint8_t ttl_max = 0;
    std::uint8_t destination = rest_block;  // block of the last packet
    std::uint16_t source_port = 0;          // of the last packet
    std::uint16_t destination_port = 0;
    std::uint8_t protocol = 0;
};

struct PrefixDetail {
    Key key;  // as from prefix_of()
    std::uint32_t error = 0;
    std::uint32_t samples = 0;
    std::uint32_t scale = 0;
    std::uint8_t destination = rest_block;
    std::uint64_t sources = 0;  // linear counting (Whang, Vander-Zanden, Taylor 1990) over 64 bits
};

struct NetworkDetail {
    Key key;
    std::uint32_t error = 0;
    std::uint32_t samples = 0;
    std::uint32_t scale = 0;
};

struct DestinationBlock {
    Key key;
    std::uint64_t weight = 0;  // established flows not included
    std::uint64_t established = 0;
    std::uint32_t samples = 0;  // not of established flows
    std::uint32_t scale = 0;
    std::uint32_t opened = 0;        // weight of TCP SYNs without ACK
    std::uint32_t ended = 0;         // of FINs and resets of established flows
    std::uint32_t open_samples = 0;  // of these SYNs
    std::array<std::uint16_t, size_cells> sizes{};
    std::array<std::uint16_t, source_buckets> sources{};
};

// One packet of a uniform sample of the slot's packets (Algorithm R: Vitter 1985), for what needs the sender itself.
struct Sighting {
    Key source;
    std::uint32_t weight = 0;
    std::uint8_t ttl = 0;
    std::uint8_t destination = rest_block;
    bool established = false;
};

struct SlotSummary {
    std::uint64_t start_ns = 0;
    std::uint64_t end_ns = 0;
    std::uint64_t packets = 0;      // weight of everything observed
    std::uint64_t used_blocks = 0;  // bit i: destination[i] holds something
    bool rest_used = false;
    std::uint32_t offered = 0;  // packets that stood for a place among the sightings
    std::uint32_t sighting_count = 0;
    Sketch<SourceDetail, 128> sources;
    Sketch<PrefixDetail, 64> prefixes;
    Sketch<NetworkDetail, 8> others;    // destinations that have no block
    Sketch<NetworkDetail, 8> networks;  // the /24 (/64) of these
    std::array<Sighting, sightings_max> sightings{};
    std::array<DestinationBlock, destinations_max + 1> destination{};

    [[nodiscard]] bool empty() const noexcept { return packets == 0; }
    void clear() noexcept;
};

}  // namespace gabion::detect
