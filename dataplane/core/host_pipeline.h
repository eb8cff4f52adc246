// SPDX-License-Identifier: Apache-2.0
// The pipeline's home on the host (core/host_stages.h) with tables of its own. For tests, fuzzing and offline replay. Instances share
// nothing; one thread at a time uses one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/host_stages.h"

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

class HostPipeline {
public:
    using Verdict = HostVerdict;

    explicit HostPipeline(const HostTableSizes& sizes = {});
    HostPipeline(HostPipeline&&) noexcept;
    HostPipeline& operator=(HostPipeline&&) noexcept;
    ~HostPipeline();

    // As HostStages::run().
    Verdict run(std::span<const std::byte> frame, std::uint32_t queue, std::uint32_t now_ticks) noexcept {
        return stages_->run(frame, *cpu_, queue, now_ticks);
    }

    [[nodiscard]] gabion_settings& settings() noexcept { return stages_->settings(); }
    [[nodiscard]] gabion_control& control() noexcept { return stages_->control(); }
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
        std::string name;
        std::size_t bytes = 0;
        std::vector<Line> lines;
    };

    template <typename T>
    void add(std::string_view name, std::size_t entries);
    void add_set(const std::string& set, const HostTableSizes& sizes);
    template <typename T>
    void add_beside(const std::string& set, const char* what, const HostTableSizes& sizes);
    void add_others(const HostTableSizes& sizes);

    std::vector<Table> memory_;
    std::optional<HostStages> stages_;  // points into memory_, as does
    gabion_cpu* cpu_ = nullptr;
};

}  // namespace gabion
