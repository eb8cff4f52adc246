// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "control/host/boot.h"
#include "control/host/check.h"

namespace gabion::host {

namespace {

// From so many CPUs on, some can be spared for the workers.
constexpr std::size_t cpus_worth_dividing = 4;

bool contains(const CpuList& cpus, unsigned cpu) { return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end(); }

CpuList without(const CpuList& cpus, const CpuList& others) {
    CpuList left;
    std::copy_if(cpus.begin(), cpus.end(), std::back_inserter(left),
                 [&](unsigned cpu) { return !contains(others, cpu); });
    return left;
}

}  // namespace

std::optional<Finding> worker_cpus_exist(const Facts& facts) {
    const auto missing = without(facts.wanted.worker_cpus, facts.cpu.online);
    if (missing.empty() || facts.cpu.online.empty()) return std::nullopt;
    return Finding{.check = "worker-cpus",
                   .rank = Rank::critical,
                   .interface = {},
                   .what = "[workers] cpus names CPU " + cpu_list_text(missing) + ", which is not online",
                   .cost = "the worker cannot be pinned, and its queue's packets pass unseen",
                   .settings = {},
                   .steps = {"name some of " + cpu_list_text(facts.cpu.online) + " in [workers] cpus"}};
}

std::optional<Finding> isolation(const Facts& facts) {
    const auto& cpu = facts.cpu;
    const auto& workers = facts.wanted.worker_cpus;
    Finding finding{
        .check = "isolation",
        .rank = Rank::slow,
        .interface = {},
        .what = {},
        .cost =
            "other work takes the CPU from a worker: off it for 3 ms at 320,000 packets a second, 1,000 packets "
            "pass unseen (measured; workers.credit helps)",
        .settings = {},
        .steps = {}};
    if (workers.empty()) {
        if (!cpu.isolated.empty() || cpu.online.size() < cpus_worth_dividing) return std::nullopt;
        finding.what = "workers share all " + std::to_string(cpu.online.size()) + " CPUs with everything else";
        finding.steps = {"name the workers' CPUs in [workers] cpus, then ask again"};
        return finding;
    }
    const auto options = boot_options(facts);
    if (!options) return std::nullopt;
    const auto add = [&](const char* option, const CpuList& cpus) {
        if (cpus.empty()) return;
        finding.what += (finding.what.empty() ? "the kernel's command line lacks " : ", ") + std::string(option) + " " +
                        cpu_list_text(cpus);
    };
    const auto ticking = cpu.nohz_full ? without(workers, *cpu.nohz_full) : CpuList{};
    add("isolcpus", without(workers, cpu.isolated));
    add("nohz_full", ticking);
    // nohz_full takes RCU's callbacks away by itself.
    const auto calling = without(workers, cpu.rcu_nocbs);
    add("rcu_nocbs", cpu.nohz_full ? without(calling, *cpu.nohz_full) : calling);
    if (finding.what.empty()) return std::nullopt;
    finding.steps = {"gabion tune --boot && update-grub && reboot",
                     "without GRUB, the kernel's command line needs: " + *options};
    return finding;
}

std::optional<Finding> governor(const Facts& facts) {
    Finding finding{.check = "governor",
                    .rank = Rank::slow,
                    .interface = {},
                    .what = {},
                    .cost = "CPUs that were idle begin slowly when a flood begins; how much was not measured",
                    .settings = {},
                    .steps = {}};
    CpuList slow;
    for (const auto& [cpu, name] : facts.cpu.governor) {
        if (name == "performance") continue;
        slow.push_back(cpu);
        finding.what = "the frequency governor is " + name;
        finding.settings.push_back({SettingKind::file,
                                    "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/scaling_governor",
                                    {},
                                    "performance"});
    }
    if (slow.empty()) return std::nullopt;
    finding.what += " on CPU " + cpu_list_text(slow);
    return finding;
}

std::optional<Finding> irq_balancer(const Facts& facts) {
    if (!facts.cpu.irqbalance) return std::nullopt;
    return Finding{.check = "irqbalance",
                   .rank = Rank::slow,
                   .interface = {},
                   .what = "irqbalance is running",
                   .cost = "it moves the queues' interrupts, onto the workers' CPUs too, and undoes what is tuned",
                   .settings = {},
                   .steps = {"systemctl disable --now irqbalance"}};
}

}  // namespace gabion::host
