// SPDX-License-Identifier: Apache-2.0
// DPDK's environment abstraction layer: memory, devices, drivers. There is one in a process, started once in its life; whatever uses ports
// or packet buffers ends before it does. Threads are the caller's own (lcore_thread.h): the layer gets none but those of its drivers.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/core/result.h"

namespace gabion::dpdk {

struct EalSettings {
    std::vector<std::string> devices;  // PCI addresses, or virtual devices with their arguments
    std::uint32_t memory_mib = 256;
    bool huge_pages = true;
};

// "0000:03:00.0" and "03:00.0", with arguments or without; anything else is a virtual device.
bool is_pci_address(const std::string& device);

// The interface of the kernel's that a virtual device stands on, as "eth0" in "net_af_packet0,iface=eth0"; empty: none.
std::string kernel_interface(const std::string& device);

// What rte_eal_init() is given. `cpus`: those that the calling thread may run on, where it stays.
std::vector<std::string> eal_arguments(const EalSettings& settings, const std::vector<unsigned>& cpus);

class Eal {
public:
    // The error holds what DPDK said last. After one no other start can succeed in this process.
    static Result<Eal> start(const EalSettings& settings);
    Eal(Eal&& other) noexcept;
    Eal& operator=(Eal&& other) noexcept;
    ~Eal();

    // What was said last at the start, in one line: of a virtual device that could not be made, only this tells why.
    [[nodiscard]] const std::string& said() const noexcept { return said_; }

private:
    explicit Eal(std::string said) noexcept : said_(std::move(said)) {}

    std::string said_;
    bool running_ = true;
};

}  // namespace gabion::dpdk
