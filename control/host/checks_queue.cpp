// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "control/host/boot.h"
#include "control/host/check.h"

namespace gabion::host {

namespace {

bool contains(const CpuList& cpus, unsigned cpu) { return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end(); }

// CPUs for interrupts: those without workers if there are any, of the card's own node if there are any.
CpuList cpus_for_interrupts(const Facts& facts, const InterfaceFacts& interface) {
    CpuList pool;
    for (const unsigned cpu : facts.cpu.online) {
        if (!contains(worker_cpus(facts), cpu)) pool.push_back(cpu);
    }
    if (pool.empty()) pool = facts.cpu.online;
    if (!interface.node) return pool;
    CpuList near;
    for (const unsigned cpu : pool) {
        const auto found = facts.cpu.node.find(cpu);
        if (found != facts.cpu.node.end() && found->second == *interface.node) near.push_back(cpu);
    }
    return near.empty() ? pool : near;
}

// Each interrupt has one CPU of the pool, and none has more of them than it must.
bool well_spread(const std::vector<QueueIrq>& irqs, const CpuList& pool) {
    const std::size_t most = (irqs.size() + pool.size() - 1) / pool.size();
    std::map<unsigned, std::size_t> load;
    return std::all_of(irqs.begin(), irqs.end(), [&](const QueueIrq& irq) {
        return irq.cpus.size() == 1 && contains(pool, irq.cpus[0]) && ++load[irq.cpus[0]] <= most;
    });
}

}  // namespace

std::optional<Finding> queues_and_workers(const Facts& facts, const InterfaceFacts& interface) {
    if (!interface.channels) return std::nullopt;
    const auto& channels = *interface.channels;
    const auto& fixed = worker_cpus(facts);
    const auto cpus = static_cast<std::uint32_t>(fixed.empty() ? facts.cpu.online.size() : fixed.size());
    const std::uint32_t wanted = std::max(1u, std::min(cpus, channels.receiving_max()));
    const std::uint32_t present = channels.receiving();
    Finding finding{.check = "queues",
                    .rank = Rank::slow,
                    .interface = {},
                    .what = std::to_string(present) + (present == 1 ? " receive queue" : " receive queues") + " for " +
                            std::to_string(cpus) + (fixed.empty() ? " CPUs" : " CPUs of workers"),
                    .cost = {},
                    .settings = {},
                    .steps = {}};
    if (present == wanted || (present > wanted && fixed.empty())) {
        if (fixed.empty() || cpus <= channels.receiving_max()) return std::nullopt;
        finding.cost = "the interface has no more; the other CPUs are kept for workers that never come";
        finding.steps = {"name " + std::to_string(wanted) + " CPUs in [workers] cpus"};
        return finding;
    }
    finding.cost = present < wanted ? "drops scale with the CPUs that share them: the others idle through a flood"
                                    : "workers share CPUs, and so do the packets that they can look at";
    if (const auto change = net::channels_to_receive(interface.name, channels, wanted))
        finding.settings.push_back({SettingKind::channels, interface.name, change->combined ? "combined" : "rx",
                                    std::to_string(change->count)});
    return finding;
}

std::optional<Finding> irq_affinity(const Facts& facts, const InterfaceFacts& interface) {
    if (interface.irqs.empty() || facts.cpu.online.size() < 2) return std::nullopt;
    // One queue and workers that run anywhere: no place is better than another.
    if (interface.irqs.size() == 1 && worker_cpus(facts).empty()) return std::nullopt;
    const auto pool = cpus_for_interrupts(facts, interface);
    if (well_spread(interface.irqs, pool)) return std::nullopt;
    Finding finding{
        .check = "irq-affinity",
        .rank = Rank::slow,
        .interface = {},
        .what = "the queues' interrupts are not spread over CPU " + cpu_list_text(pool) + ", one CPU each:",
        .cost =
            "driver and worker on one CPU took 190,000 to 244,000 packets a second, apart 320,000 (measured, "
            "everything handed over)",
        .settings = {},
        .steps = {}};
    for (std::size_t i = 0; i < interface.irqs.size(); ++i) {
        const auto& irq = interface.irqs[i];
        finding.what += (i == 0 ? " " : ", ") + irq.name + " on " + cpu_list_text(irq.cpus);
        finding.settings.push_back({SettingKind::file,
                                    "/proc/irq/" + std::to_string(irq.number) + "/smp_affinity_list",
                                    {},
                                    std::to_string(pool[i % pool.size()])});
    }
    return finding;
}

std::optional<Finding> numa_node(const Facts& facts, const InterfaceFacts& interface) {
    if (!interface.node) return std::nullopt;
    CpuList far;
    CpuList near;
    for (const auto& [cpu, node] : facts.cpu.node) {
        if (node == *interface.node) near.push_back(cpu);
        if (node != *interface.node && contains(worker_cpus(facts), cpu)) far.push_back(cpu);
    }
    if (far.empty()) return std::nullopt;
    return Finding{.check = "numa",
                   .rank = Rank::slow,
                   .interface = {},
                   .what = "workers' CPU " + cpu_list_text(far) + " is on another NUMA node than the card (" +
                           std::to_string(*interface.node) + ")",
                   .cost = "each packet crosses between the nodes' memories; how much was not measured",
                   .settings = {},
                   .steps = {"choose [workers] cpus among CPU " + cpu_list_text(near)}};
}

std::optional<Finding> ring_size(const Facts&, const InterfaceFacts& interface) {
    if (!interface.ring || interface.ring->size >= interface.ring->max) return std::nullopt;
    return Finding{.check = "ring-size",
                   .rank = Rank::loss,
                   .interface = {},
                   .what = "receive rings hold " + std::to_string(interface.ring->size) + " packets and could hold " +
                           std::to_string(interface.ring->max),
                   .cost = "in a burst the card drops packets that no program has seen; NIC discards tell how many",
                   .settings = {{SettingKind::ring, interface.name, "rx", std::to_string(interface.ring->max)}},
                   .steps = {}};
}

std::optional<Finding> pause_frames(const Facts&, const InterfaceFacts& interface) {
    if (interface.pause_frames != true) return std::nullopt;
    return Finding{.check = "pause-frames",
                   .rank = Rank::loss,
                   .interface = {},
                   .what = "the card asks the other end to wait when it is full (pause frames)",
                   .cost = "a flood then holds up the switch, and packets are lost where nobody counts them",
                   .settings = {},
                   .steps = {"ethtool -A " + interface.name +
                             " autoneg off rx off tx off    # the link may go down for a moment"}};
}

}  // namespace gabion::host
