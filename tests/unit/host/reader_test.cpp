// SPDX-License-Identifier: Apache-2.0
#include "control/host/reader.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/host/boot.h"
#include "tests/unit/host/host_tree.h"
#include "tests/unit/net/in_namespace.h"

namespace gabion::host {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

Wanted wanted_eth0() {
    Wanted wanted;
    wanted.interfaces = {{"eth0", "auto"}};
    wanted.worker_cpus = {4, 5, 6, 7};
    return wanted;
}

Facts facts_of(const HostTree& tree) { return Reader(Tree(tree.root())).read_files(wanted_eth0()); }

TEST(HostReader, ReadsTheKernel) {
    const HostTree tree;
    const auto kernel = facts_of(tree).kernel;
    EXPECT_EQ(kernel.release, "6.1.0-56-amd64");
    EXPECT_EQ(kernel.major, 6u);
    EXPECT_EQ(kernel.minor, 1u);
    EXPECT_TRUE(kernel.btf);
    EXPECT_TRUE(kernel.bpffs);
    EXPECT_EQ(kernel.jit, 1u);
    EXPECT_EQ(kernel.tcp_syncookies, 1u);
    EXPECT_EQ(kernel.clocksource, "tsc");
    EXPECT_THAT(kernel.clocksources, ElementsAre("tsc", "hpet", "acpi_pm"));
    EXPECT_THAT(kernel.mitigations, IsEmpty());
    EXPECT_FALSE(kernel.missing) << "no file tells of helpers";
}

TEST(HostReader, ReadsMitigationsInForceAndNotWhatDoesNotApply) {
    HostTree tree;
    tree.put("/sys/devices/system/cpu/vulnerabilities/spectre_v2", "Mitigation: Retpolines; IBPB: conditional\n");
    tree.put("/sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected\n");
    tree.put("/sys/devices/system/cpu/vulnerabilities/mds", "Vulnerable\n");
    EXPECT_THAT(facts_of(tree).kernel.mitigations, ElementsAre(Pair("spectre_v2", "Retpolines; IBPB: conditional")));
}

TEST(HostReader, ReadsCpus) {
    HostTree tree;
    tree.put("/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "powersave\n");
    // A governor that nobody can choose is none to be changed.
    tree.put("/sys/devices/system/cpu/cpu2/cpufreq/scaling_available_governors", "schedutil\n");
    const auto cpu = facts_of(tree).cpu;
    EXPECT_THAT(cpu.online, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
    EXPECT_THAT(cpu.isolated, ElementsAre(4, 5, 6, 7));
    ASSERT_TRUE(cpu.nohz_full);
    EXPECT_THAT(*cpu.nohz_full, ElementsAre(4, 5, 6, 7));
    EXPECT_THAT(cpu.rcu_nocbs, ElementsAre(4, 5, 6, 7));
    EXPECT_EQ(cpu.governor.at(3), "powersave");
    EXPECT_FALSE(cpu.governor.contains(2));
    EXPECT_EQ(cpu.node.at(1), 0);
    EXPECT_EQ(cpu.node.at(7), 1);
    EXPECT_FALSE(cpu.irqbalance);
    tree.put("/proc/812/comm", "irqbalance\n");
    EXPECT_TRUE(facts_of(tree).cpu.irqbalance);
}

TEST(HostReader, AKernelWithoutNohzFullAndOneWhereNoneIsSetDiffer) {
    HostTree tree;
    tree.put("/sys/devices/system/cpu/nohz_full", "  (null)\n");
    EXPECT_THAT(*facts_of(tree).cpu.nohz_full, IsEmpty());
    tree.remove("/sys/devices/system/cpu/nohz_full");
    EXPECT_FALSE(facts_of(tree).cpu.nohz_full);
}

TEST(HostReader, ReadsRcuNocbsOfAllCpus) {
    HostTree tree;
    tree.put("/proc/cmdline", "quiet rcu_nocbs=1 rcu_nocbs=all\n");
    EXPECT_EQ(facts_of(tree).cpu.rcu_nocbs.size(), 8u);
}

TEST(HostReader, ReadsRoutesAndReversePathDrops) {
    HostTree tree;
    auto facts = facts_of(tree);
    EXPECT_THAT(facts.default_routes, ElementsAre("eth0"));
    EXPECT_EQ(facts.reverse_path_drops, 17u);
    EXPECT_EQ(facts.interfaces.at(0).rp_filter, 1u);
    tree.put("/proc/sys/net/ipv4/conf/all/rp_filter", "2\n");
    tree.put("/proc/net/netstat", "TcpExt: SyncookiesSent\nTcpExt: 3\nIpExt: IPReversePathFilter\n");
    facts = facts_of(tree);
    EXPECT_EQ(facts.interfaces.at(0).rp_filter, 2u) << "the kernel takes the larger of both";
    EXPECT_EQ(facts.reverse_path_drops, 0u);
}

TEST(HostReader, FindsTheQueuesInterruptsByTheDevice) {
    const HostTree tree;
    const auto& interface = facts_of(tree).interfaces.at(0);
    ASSERT_EQ(interface.irqs.size(), 4u) << "the one that is named misc is no queue's";
    EXPECT_EQ(interface.irqs[0].number, 60u);
    EXPECT_EQ(interface.irqs[0].name, "i40e-eth0-TxRx-0");
    EXPECT_THAT(interface.irqs[1].cpus, ElementsAre(3));
    EXPECT_EQ(interface.node, 1);
}

TEST(HostReader, FindsTheQueuesInterruptsByTheNamesThatDriversGive) {
    for (const char* name : {"eth0-TxRx-0", "ice-eth0-TxRx-0", "eth0-Tx-Rx-0", "eth0-rx-0", "eth0-rxtx-0"}) {
        HostTree tree;
        tree.remove("/sys/class/net/eth0/device/msi_irqs");
        tree.put("/proc/interrupts", std::string("      CPU0\n 60:  1   PCI-MSI 1-edge      ") + name + "\n");
        EXPECT_EQ(facts_of(tree).interfaces.at(0).irqs.size(), 1u) << name;
    }
    for (const char* name : {"eth10-TxRx-0", "xeth0-TxRx-0", "eth0-tx-0", "eth0"}) {
        HostTree tree;
        tree.remove("/sys/class/net/eth0/device/msi_irqs");
        tree.put("/proc/interrupts", std::string("      CPU0\n 60:  1   PCI-MSI 1-edge      ") + name + "\n");
        EXPECT_THAT(facts_of(tree).interfaces.at(0).irqs, IsEmpty()) << name;
    }
}

TEST(HostReader, FindsAVirtioDevicesInterruptsAtItsParent) {
    HostTree tree;
    tree.remove("/sys/class/net/eth0/device");
    tree.put("/sys/devices/pci0/msi_irqs/70", "msix\n");
    tree.put("/sys/devices/pci0/virtio0/vendor", "x\n");
    std::filesystem::create_directory_symlink(tree.root() + "/sys/devices/pci0/virtio0",
                                              tree.root() + "/sys/class/net/eth0/device");
    tree.put("/proc/irq/70/smp_affinity_list", "0-1\n");
    tree.put("/proc/interrupts",
             "    CPU0\n 70:  1   PCI-MSI 1-edge      virtio0-input.0\n 71:  1   PCI-MSI 1-edge  virtio1-input.0\n");
    const auto irqs = facts_of(tree).interfaces.at(0).irqs;
    ASSERT_EQ(irqs.size(), 1u);
    EXPECT_EQ(irqs[0].number, 70u);
}

TEST(HostReader, AnEmptyHostIsNotKnownRatherThanWrong) {
    const Facts facts = Reader(Tree("/nonexistent")).read_files(wanted_eth0());
    EXPECT_EQ(facts.kernel.major, 0u);
    EXPECT_FALSE(facts.kernel.jit);
    EXPECT_THAT(facts.cpu.online, IsEmpty());
    EXPECT_EQ(facts.reverse_path_drops, 0u);
}

TEST(HostReader, DoesNotTakeAnotherNamespacesInterfaceForItsOwn) {
    net::in_namespace([] {
        Wanted wanted;
        wanted.interfaces = {{"lo", "auto"}, {"gbn-none", "auto"}};
        const Facts facts = Reader().read(wanted);
        ASSERT_TRUE(facts.interfaces.at(0).link);
        EXPECT_FALSE(facts.interfaces.at(1).link);
    });
}

TEST(Boot, OptionsAreForTheWorkersCpusAlone) {
    const HostTree tree;
    Facts facts = facts_of(tree);
    EXPECT_EQ(*boot_options(facts), "isolcpus=managed_irq,domain,4-7 nohz_full=4-7 rcu_nocbs=4-7");
    facts.cpu.nohz_full.reset();
    facts.wanted.worker_cpus = {6, 1, 2, 6};
    EXPECT_EQ(*boot_options(facts), "isolcpus=managed_irq,domain,1-2,6 rcu_nocbs=1-2,6");
    facts.wanted.worker_cpus = {};
    EXPECT_FALSE(boot_options(facts)) << "nobody said which";
    facts.wanted.worker_cpus = facts.cpu.online;
    EXPECT_FALSE(boot_options(facts)) << "nothing would be left for the rest";
}

}  // namespace
}  // namespace gabion::host
