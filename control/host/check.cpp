// SPDX-License-Identifier: Apache-2.0
#include "control/host/check.h"

#include <algorithm>
#include <array>

namespace gabion::host {

namespace {

constexpr std::array<HostCheck, 12> host_checks{kernel_version,    kernel_btf,  bpf_features, bpf_jit,
                                                bpf_file_system,   syn_cookies, time_source,  mitigations,
                                                worker_cpus_exist, isolation,   governor,     irq_balancer};

constexpr std::array<InterfaceCheck, 16> interface_checks{
    present,           native_xdp,  generic_in_use, zero_copy,    foreign_program, foreign_filters, queues_and_workers,
    irq_affinity,      numa_node,   ring_size,      pause_frames, offloads,        vlan_tags,       frame_length,
    unprotected_ports, reverse_path};

}  // namespace

std::string_view name_of(Rank rank) noexcept {
    constexpr std::array<std::string_view, 4> names{"critical", "loss", "slow", "note"};
    return names[static_cast<std::size_t>(rank)];
}

std::vector<Finding> examine(const Facts& facts) {
    std::vector<Finding> found;
    for (const auto check : host_checks) {
        if (auto finding = check(facts)) found.push_back(std::move(*finding));
    }
    for (const auto& interface : facts.interfaces) {
        for (const auto check : interface_checks) {
            if (!interface.link && check != &present) continue;
            auto finding = check(facts, interface);
            if (!finding) continue;
            finding->interface = interface.name;
            found.push_back(std::move(*finding));
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Finding& one, const Finding& other) { return one.rank < other.rank; });
    return found;
}

std::vector<std::string> fix_of(const Finding& finding) {
    std::vector<std::string> commands;
    for (const auto& setting : finding.settings)
        commands.push_back(command_of(setting));
    commands.insert(commands.end(), finding.steps.begin(), finding.steps.end());
    return commands;
}

}  // namespace gabion::host
