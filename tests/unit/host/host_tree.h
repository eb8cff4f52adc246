// SPDX-License-Identifier: Apache-2.0
// A host's /proc and /sys as files in a temporary directory, in the kernel's own formats: a server with eight CPUs on two nodes, a card with
// four queues on node 1, and workers' CPUs 4 to 7 isolated. Tests change what they are about.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "control/host/tree.h"
#include "tests/unit/daemon/temporary_directory.h"

namespace gabion::host {

class HostTree {
public:
    HostTree() {
        put("/proc/sys/kernel/osrelease", "6.1.0-56-amd64\n");
        put("/proc/cmdline",
            "BOOT_IMAGE=/vmlinuz root=/dev/sda1 isolcpus=managed_irq,domain,4-7 nohz_full=4-7 rcu_nocbs=4-7 quiet\n");
        put("/proc/mounts", "sysfs /sys sysfs rw 0 0\nbpf /sys/fs/bpf bpf rw,mode=700 0 0\n");
        put("/proc/sys/net/core/bpf_jit_enable", "1\n");
        put("/proc/sys/net/ipv4/tcp_syncookies", "1\n");
        put("/sys/kernel/btf/vmlinux", "");
        const std::string clock = "/sys/devices/system/clocksource/clocksource0/";
        put(clock + "current_clocksource", "tsc\n");
        put(clock + "available_clocksource", "tsc hpet acpi_pm \n");
        put_cpus();
        put_interface();
    }

    void put(const std::string& path, const std::string& text) {
        const std::string place = root() + path;
        std::filesystem::create_directories(std::filesystem::path(place).parent_path());
        std::ofstream(place, std::ios::binary) << text;
    }
    void remove(const std::string& path) { std::filesystem::remove_all(root() + path); }
    [[nodiscard]] std::string root() const { return files_.file("host"); }

private:
    void put_cpus() {
        const std::string folder = "/sys/devices/system/cpu/";
        put(folder + "online", "0-7\n");
        put(folder + "isolated", "4-7\n");
        put(folder + "nohz_full", "4-7\n");
        for (int cpu = 0; cpu < 8; ++cpu) {
            const std::string one = folder + "cpu" + std::to_string(cpu);
            put(one + "/cpufreq/scaling_available_governors", "performance powersave\n");
            put(one + "/cpufreq/scaling_governor", "performance\n");
            put(one + (cpu < 2 ? "/node0/cpulist" : "/node1/cpulist"), "\n");
        }
        put("/proc/1/comm", "systemd\n");
    }
    void put_interface() {
        put("/sys/class/net/eth0/device/numa_node", "1\n");
        std::string interrupts =
            "           CPU0       CPU1\n  0:         40          0   IO-APIC   2-edge      timer\n";
        for (int i = 0; i < 4; ++i) {
            const std::string number = std::to_string(60 + i);
            put("/sys/class/net/eth0/device/msi_irqs/" + number, "msix\n");
            put("/proc/irq/" + number + "/smp_affinity_list", i % 2 == 0 ? "2\n" : "3\n");
            interrupts += " " + number + ":     123456          0   PCI-MSI 524288-edge      i40e-eth0-TxRx-" +
                          std::to_string(i) + "\n";
        }
        put("/sys/class/net/eth0/device/msi_irqs/64", "msix\n");
        put("/proc/irq/64/smp_affinity_list", "0-7\n");
        put("/proc/interrupts",
            interrupts + " 64:          1          0   PCI-MSI 524292-edge      i40e-0000:3b:00.0:misc\n");
        put("/proc/sys/net/ipv4/conf/all/rp_filter", "0\n");
        put("/proc/sys/net/ipv4/conf/eth0/rp_filter", "1\n");
        put("/proc/net/route",
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
            "eth0\t00000000\t010AA8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
            "eth0\t000AA8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n");
        put("/proc/net/netstat",
            "TcpExt: SyncookiesSent IPReversePathFilter TW\nTcpExt: 3 17 5\nIpExt: InNoRoutes InOctets\nIpExt: 9 8\n");
    }

    daemon::TemporaryDirectory files_;
};

}  // namespace gabion::host
