// SPDX-License-Identifier: Apache-2.0
// The checks: each looks at the facts for one thing and finds it wrong or does not. Pure; what is not known is not found wrong. A figure
// in what a finding costs was measured (docs/performance.md says how), or the finding says that it was not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/host/facts.h"
#include "control/host/setting.h"

namespace gabion::host {

enum class Rank : std::uint8_t {
    critical,  // the protection does not come about, or has a hole
    loss,      // under load packets are lost or seen by nobody
    slow,      // it costs rate
    note,      // worth knowing; nothing that must be done, and no finding for the exit status
};
std::string_view name_of(Rank rank) noexcept;

struct Finding {
    std::string_view check;  // "irq-affinity"
    Rank rank = Rank::slow;
    std::string interface;  // empty: the host
    std::string what;
    std::string cost;
    std::vector<Setting> settings;   // what `gabion tune` does about it
    std::vector<std::string> steps;  // what the operator has to do: commands, or a sentence where none would do
};

using HostCheck = std::optional<Finding> (*)(const Facts&);
using InterfaceCheck = std::optional<Finding> (*)(const Facts&, const InterfaceFacts&);

// The kernel (checks_kernel.cpp)
std::optional<Finding> kernel_version(const Facts& facts);
std::optional<Finding> kernel_btf(const Facts& facts);
std::optional<Finding> bpf_features(const Facts& facts);
std::optional<Finding> bpf_jit(const Facts& facts);
std::optional<Finding> bpf_file_system(const Facts& facts);
std::optional<Finding> syn_cookies(const Facts& facts);
std::optional<Finding> time_source(const Facts& facts);
std::optional<Finding> mitigations(const Facts& facts);

// CPUs (checks_cpu.cpp)
std::optional<Finding> worker_cpus_exist(const Facts& facts);
std::optional<Finding> isolation(const Facts& facts);
std::optional<Finding> governor(const Facts& facts);
std::optional<Finding> irq_balancer(const Facts& facts);

// An interface's queues (checks_queue.cpp)
std::optional<Finding> queues_and_workers(const Facts& facts, const InterfaceFacts& interface);
std::optional<Finding> irq_affinity(const Facts& facts, const InterfaceFacts& interface);
std::optional<Finding> numa_node(const Facts& facts, const InterfaceFacts& interface);
std::optional<Finding> ring_size(const Facts& facts, const InterfaceFacts& interface);
std::optional<Finding> pause_frames(const Facts& facts, const InterfaceFacts& interface);

// How it is attached (checks_attach.cpp)
std::optional<Finding> present(const Facts& facts, const InterfaceFacts& interface);
std::optional<Finding> native_xdp(const Facts& facts, const InterfaceFacts& interface);
std::optional<Finding> generic_in_use(const Facts& facts, const InterfaceFacts& interface);
std::optional<Finding> zero_copy(const Facts& facts, const InterfaceFacts& interface);
std::optional<Finding> foreign_program(const Facts& facts, const InterfaceFacts& interface);
std::optional<Finding> foreign_filters(const Facts& facts, const InterfaceFacts& interface);

// What it is set to and what stands on it (checks_interface.cpp)
std::optional<Finding> offloads(const Facts& facts, const InterfaceFacts& interface);
std::optional<Finding> vlan_tags(const Facts& facts, const InterfaceFacts& interface);
std::optional<Finding> frame_length(const Facts& facts, const InterfaceFacts& interface);
std::optional<Finding> unprotected_ports(const Facts& facts, const InterfaceFacts& interface);
std::optional<Finding> reverse_path(const Facts& facts, const InterfaceFacts& interface);

// All of them, the gravest first.
std::vector<Finding> examine(const Facts& facts);

// What `gabion doctor` shows as the fix: the settings as commands, then the steps.
std::vector<std::string> fix_of(const Finding& finding);

}  // namespace gabion::host
