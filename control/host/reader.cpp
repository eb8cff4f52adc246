// SPDX-License-Identifier: Apache-2.0
#include "control/host/reader.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "dataplane/worker/placement.h"

namespace gabion::host {

namespace {

CpuList cpus_in(const std::optional<std::string>& text) { return worker::parse_cpu_list(text.value_or("")); }

// The value behind "NAME=" among the kernel command line's words; the last one counts, as for the kernel.
std::string boot_option(const std::vector<std::string>& options, const std::string& name) {
    std::string value;
    for (const auto& option : options) {
        if (option.starts_with(name + "=")) value = option.substr(name.size() + 1);
    }
    return value;
}

// /proc/net/netstat: "TcpExt: NAME NAME ..." and then "TcpExt: VALUE VALUE ...", group by group.
std::uint64_t counter_in(const std::vector<std::string>& all, const std::string& name) {
    const auto found = std::find(all.begin(), all.end(), name);
    const auto group = std::find_if(found, all.end(), [](const std::string& word) { return word.back() == ':'; });
    const auto first = std::find_if(std::make_reverse_iterator(found), all.rend(),
                                    [](const std::string& word) { return word.back() == ':'; });
    if (found == all.end() || first == all.rend()) return 0;
    const auto offset = found - first.base() + 1;
    return all.end() - group > offset ? std::strtoull((group + offset)->c_str(), nullptr, 10) : 0;
}

}  // namespace

const CpuList& worker_cpus(const Facts& facts) noexcept {
    return facts.wanted.worker_cpus.empty() ? facts.cpu.isolated : facts.wanted.worker_cpus;
}

bool Reader::mounted_bpffs(const std::string& path) const {
    const auto mounts = words(tree_.read("/proc/mounts").value_or(""));
    // DEVICE PLACE TYPE OPTIONS 0 0
    for (std::size_t i = 0; i + 2 < mounts.size(); i += 6) {
        const auto& place = mounts[i + 1];
        if (mounts[i + 2] == "bpf" && (path == place || path.starts_with(place + "/"))) return true;
    }
    return false;
}

void Reader::read_kernel(Facts& facts) const {
    auto& kernel = facts.kernel;
    kernel.release = tree_.read("/proc/sys/kernel/osrelease").value_or("");
    (void)std::sscanf(kernel.release.c_str(), "%u.%u", &kernel.major, &kernel.minor);
    kernel.btf = tree_.has("/sys/kernel/btf/vmlinux");
    kernel.jit = tree_.number("/proc/sys/net/core/bpf_jit_enable");
    if (tree_.forbidden("/proc/sys/net/core/bpf_jit_enable"))
        facts.not_looked_at.emplace_back("net.core.bpf_jit_enable: only root may read it");
    kernel.tcp_syncookies = tree_.number("/proc/sys/net/ipv4/tcp_syncookies");
    kernel.bpffs = mounted_bpffs(facts.wanted.pin);
    const std::string clock = "/sys/devices/system/clocksource/clocksource0/";
    kernel.clocksource = tree_.read(clock + "current_clocksource").value_or("");
    kernel.clocksources = words(tree_.read(clock + "available_clocksource").value_or(""));
    const std::string vulnerabilities = "/sys/devices/system/cpu/vulnerabilities/";
    for (const auto& name : tree_.list(vulnerabilities)) {
        const auto text = tree_.read(vulnerabilities + name).value_or("");
        if (text.starts_with("Mitigation: ")) kernel.mitigations[name] = text.substr(12);
    }
}

void Reader::read_cpus(CpuFacts& cpu) const {
    const std::string folder = "/sys/devices/system/cpu/";
    cpu.online = cpus_in(tree_.read(folder + "online"));
    cpu.isolated = cpus_in(tree_.read(folder + "isolated"));
    if (tree_.has(folder + "nohz_full")) cpu.nohz_full = cpus_in(tree_.read(folder + "nohz_full"));
    const auto options = words(tree_.read("/proc/cmdline").value_or(""));
    const std::string offloaded = boot_option(options, "rcu_nocbs");
    cpu.rcu_nocbs = offloaded == "all" ? cpu.online : worker::parse_cpu_list(offloaded);
    for (const unsigned number : cpu.online) {
        const std::string one = folder + "cpu" + std::to_string(number);
        const auto possible = words(tree_.read(one + "/cpufreq/scaling_available_governors").value_or(""));
        const auto governor = tree_.read(one + "/cpufreq/scaling_governor");
        if (governor && std::find(possible.begin(), possible.end(), "performance") != possible.end())
            cpu.governor[number] = *governor;
        for (const auto& name : tree_.list(one)) {
            if (int node = 0; std::sscanf(name.c_str(), "node%d", &node) == 1) cpu.node[number] = node;
        }
    }
    const auto processes = tree_.list("/proc");
    cpu.irqbalance = std::any_of(processes.begin(), processes.end(), [&](const std::string& name) {
        return name.find_first_not_of("0123456789") == std::string::npos &&
               tree_.read("/proc/" + name + "/comm") == "irqbalance";
    });
}

void Reader::read_routes(Facts& facts) const {
    const auto add = [&](const std::string& interface) {
        auto& known = facts.default_routes;
        if (std::find(known.begin(), known.end(), interface) == known.end()) known.push_back(interface);
    };
    // rp_filter is IPv4's alone. Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
    const auto table = words(tree_.read("/proc/net/route").value_or(""));
    constexpr std::size_t columns = 11;
    for (std::size_t row = columns; row + columns <= table.size(); row += columns) {
        if (table[row + 1] == "00000000" && table[row + 7] == "00000000") add(table[row]);
    }
    facts.reverse_path_drops = counter_in(words(tree_.read("/proc/net/netstat").value_or("")), "IPReversePathFilter");
}

void Reader::read_interface(InterfaceFacts& interface) const {
    const auto rule = [&](const std::string& name) {
        return tree_.number("/proc/sys/net/ipv4/conf/" + name + "/rp_filter").value_or(0);
    };
    interface.rp_filter = std::max(rule("all"), rule(interface.name));
    interface.irqs = queue_irqs(interface.name);
    const auto node = tree_.read("/sys/class/net/" + interface.name + "/device/numa_node");
    if (int number = -1; node && std::sscanf(node->c_str(), "%d", &number) == 1 && number >= 0) interface.node = number;
}

Facts Reader::read_files(const Wanted& wanted) const {
    Facts facts;
    facts.wanted = wanted;
    read_kernel(facts);
    read_cpus(facts.cpu);
    read_routes(facts);
    for (const auto& one : wanted.interfaces) {
        InterfaceFacts interface;
        interface.name = one.name;
        interface.attach = one.attach;
        read_interface(interface);
        facts.interfaces.push_back(std::move(interface));
    }
    return facts;
}

Facts Reader::read(const Wanted& wanted) const {
    Facts facts = read_files(wanted);
    ask_kernel(facts.kernel, facts.not_looked_at);
    for (auto& interface : facts.interfaces) {
        ask_interface(interface, facts.not_looked_at);
        // In another network namespace /sys may still show the interfaces of the one that it was mounted in.
        const auto index = tree_.number("/sys/class/net/" + interface.name + "/ifindex");
        if (!interface.link || index == interface.link->index) continue;
        interface.irqs.clear();
        interface.node.reset();
        facts.not_looked_at.push_back(interface.name +
                                      ": interrupts and NUMA node; /sys shows another network namespace's interfaces");
    }
    return facts;
}

}  // namespace gabion::host
