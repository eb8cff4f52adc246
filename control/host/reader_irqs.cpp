// SPDX-License-Identifier: Apache-2.0
// Which interrupts are an interface's receive queues'. There is no interface for that: drivers name them as they like, and /proc/interrupts
// and the device's msi_irqs are all there is. Names seen in drivers: eth0-TxRx-0 (igb, ixgbe), i40e-eth0-TxRx-0, ice-eth0-TxRx-0,
// mlx5_comp0@pci:0000:01:00.0, eth0-Tx-Rx-0 (ena), virtio0-input.0, eth0-rx-0 (e1000e), eth0-rxtx-0 (vmxnet3).
#include <algorithm>
#include <cctype>
#include <charconv>
#include <sstream>

#include "control/host/reader.h"
#include "dataplane/worker/placement.h"

namespace gabion::host {

namespace {

struct Line {
    unsigned number = 0;
    std::string name;
};

// " 24:   1  0   PCI-MSI 1-edge   virtio0-input.0": the last word names who asked for it.
std::vector<Line> interrupt_lines(const std::string& text) {
    std::vector<Line> lines;
    std::istringstream stream(text);
    for (std::string row; std::getline(stream, row);) {
        const auto parts = words(row);
        if (parts.size() < 3 || parts[0].back() != ':') continue;
        Line line;
        const auto [end, code] = std::from_chars(parts[0].data(), parts[0].data() + parts[0].size(), line.number);
        if (code != std::errc{} || *end != ':') continue;
        line.name = parts.back();
        lines.push_back(std::move(line));
    }
    return lines;
}

bool receives(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
    return has("rx") || has("input") || has("comp");
}

// "eth1" is in "i40e-eth1-TxRx-0" and not in "eth10-TxRx-0".
bool names_interface(const std::string& name, const std::string& interface) {
    for (auto at = name.find(interface); at != std::string::npos; at = name.find(interface, at + 1)) {
        const auto outside = [&](std::size_t i) {
            return i >= name.size() || std::isalnum(static_cast<unsigned char>(name[i])) == 0;
        };
        if ((at == 0 || outside(at - 1)) && outside(at + interface.size())) return true;
    }
    return false;
}

}  // namespace

std::vector<QueueIrq> Reader::queue_irqs(const std::string& interface) const {
    const std::string device = "/sys/class/net/" + interface + "/device/";
    auto own = tree_.list(device + "msi_irqs");
    if (own.empty()) own = tree_.list(device + "../msi_irqs");  // virtio: the PCI device is the parent
    std::vector<QueueIrq> irqs;
    for (auto& line : interrupt_lines(tree_.read("/proc/interrupts").value_or(""))) {
        const bool its = names_interface(line.name, interface) ||
                         std::find(own.begin(), own.end(), std::to_string(line.number)) != own.end();
        if (!its || !receives(line.name)) continue;
        const auto cpus = tree_.read("/proc/irq/" + std::to_string(line.number) + "/smp_affinity_list");
        if (!cpus) continue;
        irqs.push_back({line.number, std::move(line.name), worker::parse_cpu_list(*cpus)});
    }
    return irqs;
}

}  // namespace gabion::host
