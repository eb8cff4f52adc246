// SPDX-License-Identifier: Apache-2.0
// A worker's detectors: takes each sampled packet into the open slot, and hands the slot to the analyst every 20 ms. No system
// call, no clock, no lock, no allocation: the time comes as an argument, slots go round through two lock-free queues. When the
// analyst is behind, the open slot stays open and covers more time; nothing waits and nothing is lost.
//
// Memory: slots_max slots of about 0.7 MB, taken at construction. One thread calls observe() and housekeeping(), one other
// take() and give_back().
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "bpf/abi/sample.h"
#include "bpf/lib/packet.h"
#include "dataplane/detect/key.h"

namespace gabion::detect {

struct SlotSummary;
struct SlotExchange;

// Tells whether the packet belongs to a TCP connection that the host holds as established (bpf/abi/flow.h). Must not block.
using FlowLookup = bool (*)(const void* context, const gabion_packet& packet) noexcept;

// Which of the hot path's parts run; for benchmarks and for operators who switch a detector off.
struct ObserverParts {
    bool entropy = true;  // source histogram
    bool ttl = true;      // sightings
    bool size = true;     // size histogram
};

class Observer {
public:
    static constexpr std::size_t slots_max = 4;

    explicit Observer(const HashKey& hash, ObserverParts parts = {});
    ~Observer();
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;

    // Worker. `lookup` is asked about TCP packets of sources that send more than a little.
    void set_flow_lookup(FlowLookup lookup, const void* context) noexcept;
    void observe(const gabion_packet& packet, const gabion_sample& sample) noexcept;
    void housekeeping(std::uint64_t now_ns) noexcept;
    [[nodiscard]] bool idle() const noexcept;  // nothing observed in the open slot: a sleeping worker withholds nothing

    // Analyst. take() returns a full slot or null; each one taken is given back.
    SlotSummary* take() noexcept;
    void give_back(SlotSummary* slot) noexcept;

private:
    unsigned block_of(const Key& destination, std::uint64_t hash) noexcept;
    void count_destination(const gabion_packet& packet, std::uint32_t weight, std::uint64_t source_hash, unsigned block,
                           bool fair) noexcept;
    void count_other(const Key& destination, std::uint64_t hash, std::uint32_t weight) noexcept;
    void count_prefix(const Key& source, std::uint64_t source_hash, std::uint32_t weight, unsigned block) noexcept;
    void keep_sighting(const Key& source, const gabion_packet& packet, std::uint32_t weight, unsigned block,
                       bool established) noexcept;
    void promote_destinations() noexcept;
    void index_destinations() noexcept;
    std::uint32_t random() noexcept;

    static constexpr unsigned index_size = 256;
    static constexpr std::uint8_t no_block = 255;

    HashKey hash_;
    ObserverParts parts_;
    FlowLookup lookup_ = nullptr;
    const void* lookup_context_ = nullptr;
    SlotSummary* open_ = nullptr;
    std::uint32_t random_;
    unsigned assigned_ = 0;
    std::array<std::uint8_t, index_size> index_{};  // hash -> block, linear probing, at most a quarter full
    std::array<Key, 64> block_key_{};
    std::array<double, 64> block_load_{};  // decayed weight
    std::unique_ptr<SlotExchange> exchange_;
};

}  // namespace gabion::detect
