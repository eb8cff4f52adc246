// SPDX-License-Identifier: Apache-2.0
// Rates of single sources (bpf/abi/source.h): writes the operator's limits where the kernel reads them, and turns what the kernel tells of
// proven offenders into verdicts. Works on values that the caller reads and writes; owns no clock and no map.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "bpf/abi/control.h"
#include "bpf/abi/source.h"
#include "dataplane/detect/verdict.h"

namespace gabion::daemon {

struct SourcePort {
    bool udp = false;
    std::uint16_t port = 0;
    std::uint64_t pps = 0;
};

struct SourceSettings {
    gabion_source_when when = GABION_SOURCES_NEVER;
    std::array<double, GABION_RATE_COUNT> rate{};    // a second; 0 = no limit
    std::array<double, GABION_RATE_COUNT> points{};  // for an offence against it
    std::vector<SourcePort> ports;                   // for packets to these, instead of the rates of TCP or UDP
    double burst_s = 1;
    double threshold = 0;  // 0 = nobody is banned
    double decay_per_s = 0;
    std::chrono::milliseconds ban{0};  // for a first offence
};

struct SourceTables {
    gabion_control& control;
    std::span<gabion_source_limits> limits;
    std::span<std::uint64_t> port_rules;
    std::span<const gabion_offence> offences;
};

class SourceKeeper {
public:
    SourceKeeper(std::uint32_t hz, std::uint32_t told) noexcept : hz_(hz), seen_(told) {}

    void configure(SourceSettings settings) { settings_ = std::move(settings); }
    void apply(const SourceTables& tables) const noexcept;

    // A ban for each offence that the kernel told of since the last call. Whoever is overlooked will offend again.
    void collect(const SourceTables& tables, std::vector<detect::Verdict>& verdicts);

private:
    [[nodiscard]] detect::Verdict verdict_for(const gabion_offence& offence) const;
    void write_limits(gabion_source_limits& to, const std::array<double, GABION_RATE_COUNT>& rate) const noexcept;
    void write_ports(const SourceTables& tables) const noexcept;

    std::uint32_t hz_;
    std::uint32_t seen_;  // of struct gabion_source_control::told
    SourceSettings settings_;
};

}  // namespace gabion::daemon
