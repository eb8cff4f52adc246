// SPDX-License-Identifier: Apache-2.0
// The pipeline's other home, for tests: bpf/gabion_test.bpf.c in the running kernel, with tables of the same sizes as a HostPipeline's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "bpf/abi/reason.h"
#include "dataplane/core/host_pipeline.h"
#include "dataplane/core/mapping.h"

struct bpf_object;

namespace gabion::test {

class KernelPipeline {
public:
    // Throws std::runtime_error; `available` says whether there is a point in trying.
    // `name`: "gabion_test", or for its cost alone "gabion", whose time is the kernel's and whose CPU must be 0.
    explicit KernelPipeline(HostPipeline& like, const std::string& name = "gabion_test");
    KernelPipeline(const KernelPipeline&) = delete;
    KernelPipeline& operator=(const KernelPipeline&) = delete;
    ~KernelPipeline();

    static bool available();

    // Makes every table the same as the host's.
    void copy_from(HostPipeline& host);
    void copy_to(HostPipeline& host) const;

    HostPipeline::Verdict run(std::span<const std::byte> frame, std::uint32_t queue, std::uint32_t now_ticks);

    // A table's map, for other programs that work on it; -1: there is none of that name.
    [[nodiscard]] int map(const std::string& name) const;

    // A table under its map's name.
    [[nodiscard]] std::span<std::byte> memory(const std::string& name) const;
    template <typename T>
    [[nodiscard]] std::span<T> values(const std::string& name) const {
        const std::span<std::byte> bytes = memory(name);
        return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
    }

    // The first map in which the two homes differ; empty when they agree in all that they keep.
    [[nodiscard]] std::string difference(HostPipeline& host) const;

    // TEST_RUN's own measure, ns a packet.
    [[nodiscard]] std::uint32_t cost_ns(std::span<const std::byte> frame, std::uint32_t repeat,
                                        std::uint32_t now_ticks);

    // The last frame as the program left it.
    [[nodiscard]] const std::vector<std::byte>& output() const noexcept { return output_; }
    [[nodiscard]] int program() const noexcept { return program_; }
    [[nodiscard]] std::uint32_t verified_instructions() const;

private:
    std::vector<std::byte> output_;
    bpf_object* object_ = nullptr;
    int program_ = -1;
    std::map<std::string, Mapping> maps_;
    std::map<std::string, std::size_t> bytes_;
};

}  // namespace gabion::test
