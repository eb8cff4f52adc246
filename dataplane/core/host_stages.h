// SPDX-License-Identifier: Apache-2.0
// The stages of bpf/ in their home on the host, on whatever memory holds the tables: arrays of this process (core/host_pipeline.h), or the
// very maps that the kernel's programs work on. Any number of threads may run packets at the same time, as CPUs do in the kernel,
// each with a gabion_cpu of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "bpf/abi/reason.h"
#include "bpf/abi/settings.h"
#include "bpf/lib/packet.h"
#include "dataplane/core/result.h"

struct gabion_control;
struct gabion_cpu;

namespace gabion {

// Where the table of that name ("op_e4", "flows", ...: the maps' names) begins, aligned to its type; null: there is none.
using TableMemory = std::function<void*(const char* name)>;

struct HostVerdict {
    gabion_reason reason = GABION_REASON_NONE;
    gabion_action action = GABION_ACTION_NONE;
    std::uint32_t one_in = 1;                    // when handed over: packets that this one stands for
    gabion_reason instead = GABION_REASON_NONE;  // when INSPECTED: under which it is dropped
};

// The parser alone. Returns what it says (bpf/lib/parse.h) and leaves the packet in `packet`, GABION_PACKET_CONTROL and _TUNNEL
// included, which the kernel's parser leaves to those who ask.
gabion_reason parse(std::span<const std::byte> frame, gabion_packet& packet) noexcept;

class HostStages {
public:
    // The memory outlives the stages and has the sizes that the settings tell. Every table must be there but "sockets": without that
    // one no socket of this host is ever asked. An error names the table that is missing.
    static Result<HostStages> on(const TableMemory& memory);
    HostStages(HostStages&&) noexcept;
    HostStages& operator=(HostStages&&) noexcept;
    ~HostStages();

    // Not while packets run.
    [[nodiscard]] gabion_settings& settings() noexcept;
    [[nodiscard]] gabion_egress_settings& inside_settings() noexcept;
    [[nodiscard]] gabion_control& control() const noexcept;

    // One frame through all stages, counted in `cpu`. What is handed over has its credit claimed; whoever takes it raises `released`.
    HostVerdict run(std::span<const std::byte> frame, gabion_cpu& cpu, std::uint32_t queue,
                    std::uint32_t now_ticks) const noexcept;
    // Whether any set holds anything, and there is something to look ahead for.
    [[nodiscard]] bool hold_sources() const noexcept;
    // Asks the memory for what run() will need for the frame, to be called some frames ahead. Decides and counts nothing.
    void look_ahead(std::span<const std::byte> frame) const noexcept;
    // One that came in by the inside port of a pair: noted, and counted in `cpu`, which is another one than that of run().
    HostVerdict run_inside(std::span<const std::byte> frame, gabion_cpu& cpu, std::uint32_t now_ticks) const noexcept;

private:
    struct State;
    explicit HostStages(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

}  // namespace gabion
