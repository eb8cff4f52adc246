// SPDX-License-Identifier: Apache-2.0
// The pipeline's home on the host: the same stages as in the kernel (bpf/pipeline.h), on tables in this process's memory. For tests, fuzzing
// and offline replay. Instances share nothing; one thread at a time uses one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "bpf/abi/reason.h"
#include "bpf/abi/settings.h"
#include "bpf/lib/packet.h"

struct gabion_bucket4;
struct gabion_bucket6;
struct gabion_cell;
struct gabion_control;
struct gabion_cpu;
struct gabion_destination;
struct gabion_flow_bucket;
struct gabion_proven_bucket;
struct gabion_quarantine;
struct gabion_offence;
struct gabion_queue;
struct gabion_source;
struct gabion_source_limits;
struct gabion_source_set;
struct gabion_tables;

namespace gabion {

// Sizes of the tables, each a power of two: buckets, for the Bloom filters words of one generation.
struct HostTableSizes {
    std::uint32_t exact4 = 1024;
    std::uint32_t exact6 = 1024;
    std::uint32_t prefix4 = 256;
    std::uint32_t prefix6 = 256;
    std::uint32_t prefix_lines6 = 1024;
    std::uint32_t bloom_words = 1024;
    std::uint32_t flows = 256;
    std::uint32_t proven = 64;
    std::uint32_t source_sets = 64;  // of each half
    std::uint32_t destinations = 64;
    std::uint32_t syn = 1024;  // entries of each of the tables of bpf/abi/syn.h
    std::uint32_t queues = 1;
};

// The parser alone. Returns what it says (bpf/lib/parse.h) and leaves the packet in `packet`, GABION_PACKET_CONTROL and _TUNNEL
// included, which the kernel's parser leaves to those who ask.
gabion_reason parse(std::span<const std::byte> frame, gabion_packet& packet) noexcept;

class HostPipeline {
public:
    struct Verdict {
        gabion_reason reason = GABION_REASON_NONE;
        gabion_action action = GABION_ACTION_NONE;
        std::uint32_t one_in = 1;                    // when handed over: packets that this one stands for
        gabion_reason instead = GABION_REASON_NONE;  // when INSPECTED: under which it is dropped
    };

    explicit HostPipeline(const HostTableSizes& sizes = {});
    HostPipeline(HostPipeline&&) noexcept;
    HostPipeline& operator=(HostPipeline&&) noexcept;
    ~HostPipeline();

    // One frame through all stages. What is handed over has its credit claimed; whoever takes it raises `released`.
    Verdict run(std::span<const std::byte> frame, std::uint32_t queue, std::uint32_t now_ticks) noexcept;

    [[nodiscard]] gabion_settings& settings() noexcept { return settings_; }
    [[nodiscard]] const gabion_settings& settings() const noexcept { return settings_; }
    [[nodiscard]] gabion_control& control() noexcept;
    [[nodiscard]] gabion_cpu& cpu() noexcept { return *cpu_; }

    // A table under the name of its map ("op_e4", "quar_p6_state", "flows", ...); empty when there is none of that name.
    template <typename T>
    [[nodiscard]] std::span<T> values(std::string_view name) noexcept {
        const std::span<std::byte> bytes = memory(name);
        return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
    }
    [[nodiscard]] std::span<std::byte> memory(std::string_view name) noexcept;

private:
    struct alignas(64) Line {
        std::byte bytes[64];
    };
    struct Table {
        std::string_view name;
        std::size_t bytes = 0;
        std::vector<Line> lines;
    };

    template <typename T>
    T* add(std::string_view name, std::size_t entries);
    void add_sets(const HostTableSizes& sizes);
    void add_states(const HostTableSizes& sizes);

    gabion_settings settings_{};
    std::vector<Table> memory_;
    std::unique_ptr<gabion_tables> tables_;  // points into memory_, as does
    gabion_cpu* cpu_ = nullptr;
};

}  // namespace gabion
