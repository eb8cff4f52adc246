// SPDX-License-Identifier: Apache-2.0
// The checks of the kernel, of CPUs and of queues.
#include "tests/unit/host/checks_fixture.h"

namespace gabion::host {
namespace {

std::vector<std::string> commands_of(const Finding& finding) {
    std::vector<std::string> commands;
    for (const auto& setting : finding.settings)
        commands.push_back(command_of(setting));
    return commands;
}

using Commands = std::vector<std::string>;

TEST_F(Checks, AHostThatIsReadyHasNoFindings) {
    for (const auto& finding : examine(facts))
        ADD_FAILURE() << finding.check << ": " << finding.what;
}

TEST_F(Checks, OldKernels) {
    facts.kernel.major = 5;
    facts.kernel.minor = 15;
    facts.kernel.release = "5.15.0";
    EXPECT_EQ(only("kernel-version").rank, Rank::critical);
    facts.kernel.major = 7;
    facts.kernel.minor = 0;
    EXPECT_TRUE(none());
    facts.kernel.major = 0;
    EXPECT_TRUE(none()) << "a version that could not be read is not an old one";
}

TEST_F(Checks, WhatTheKernelLacks) {
    facts.kernel.missing = {{"bpf_jiffies64() in XDP", "bpf_redirect_map() in XDP"}};
    const auto finding = only("bpf-features");
    EXPECT_EQ(finding.rank, Rank::critical);
    EXPECT_NE(finding.what.find("bpf_jiffies64() in XDP, bpf_redirect_map() in XDP"), std::string::npos)
        << finding.what;
    facts.kernel.missing.reset();
    EXPECT_TRUE(none()) << "not looked at is not missing";
}

TEST_F(Checks, BtfJitAndBpffs) {
    facts.kernel.btf = false;
    only("btf");
    facts.kernel.btf = true;
    facts.kernel.jit = 0;
    EXPECT_EQ(commands_of(only("bpf-jit")), Commands{"echo 1 >/proc/sys/net/core/bpf_jit_enable"});
    facts.kernel.jit = 2;
    EXPECT_TRUE(none());
    facts.kernel.jit.reset();
    EXPECT_TRUE(none());
    facts.kernel.bpffs = false;
    EXPECT_EQ(only("bpffs").rank, Rank::note);
}

TEST_F(Checks, SynCookies) {
    facts.kernel.cookies = false;
    EXPECT_EQ(only("syn-cookies").rank, Rank::note) << "no command mends it";
    facts.kernel.cookies = true;
    facts.kernel.tcp_syncookies = 0;
    EXPECT_EQ(only("syn-cookies").rank, Rank::slow);
    facts.wanted.syn_cookies = false;
    EXPECT_TRUE(none()) << "nobody wants them";
}

TEST_F(Checks, SlowClocks) {
    for (const char* slow : {"hpet", "acpi_pm", "jiffies", "refined-jiffies"}) {
        facts.kernel.clocksource = slow;
        EXPECT_EQ(only("time-source").settings.size(), 0u)
            << "why the kernel left the TSC is for the operator to find out";
    }
    for (const char* quick : {"kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter", ""}) {
        facts.kernel.clocksource = quick;
        EXPECT_TRUE(none()) << quick;
    }
}

TEST_F(Checks, MitigationsAreANoteAndNameNoFigure) {
    facts.kernel.mitigations = {{"spectre_v2", "Retpolines"}};
    const auto finding = only("mitigations");
    EXPECT_EQ(finding.rank, Rank::note);
    EXPECT_NE(finding.cost.find("not measured"), std::string::npos);
}

TEST_F(Checks, IsolationNamesWhatIsMissing) {
    facts.cpu.isolated = {4, 5};
    facts.cpu.nohz_full = CpuList{4, 5, 6};
    facts.cpu.rcu_nocbs = {4};
    const auto finding = only("isolation");
    EXPECT_EQ(finding.what, "the kernel's command line lacks isolcpus 6-7, nohz_full 7, rcu_nocbs 7");
    EXPECT_TRUE(finding.settings.empty()) << "only a boot changes it";
    facts.cpu.isolated = facts.wanted.worker_cpus;
    facts.cpu.nohz_full.reset();
    facts.cpu.rcu_nocbs = facts.wanted.worker_cpus;
    EXPECT_TRUE(none()) << "a kernel without nohz_full cannot be asked for it";
}

TEST_F(Checks, WorkersWithoutCpusOfTheirOwn) {
    facts.wanted.worker_cpus = {};
    EXPECT_TRUE(none()) << "they take those that are isolated";
    facts.cpu.isolated = {};
    eth0().irqs.clear();
    eth0().channels = net::Channels{0, 8, 0, 64};
    only("isolation");
    facts.cpu.online = {0, 1};
    EXPECT_TRUE(none()) << "two CPUs are too few to set some apart";
}

TEST_F(Checks, WorkersOnCpusThatAreNotThere) {
    eth0().irqs.clear();
    facts.wanted.worker_cpus = {6, 7, 8, 9};
    facts.cpu.isolated = facts.wanted.worker_cpus;
    facts.cpu.nohz_full = facts.wanted.worker_cpus;
    const auto finding = only("worker-cpus");
    EXPECT_NE(finding.what.find("8-9"), std::string::npos) << finding.what;
}

TEST_F(Checks, Governor) {
    facts.cpu.governor[2] = "powersave";
    facts.cpu.governor[3] = "powersave";
    const auto finding = only("governor");
    EXPECT_EQ(finding.what, "the frequency governor is powersave on CPU 2-3");
    EXPECT_EQ(commands_of(finding),
              (Commands{"echo performance >/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor",
                        "echo performance >/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor"}));
}

TEST_F(Checks, IrqBalance) {
    facts.cpu.irqbalance = true;
    EXPECT_EQ(only("irqbalance").steps, Commands{"systemctl disable --now irqbalance"});
}

TEST_F(Checks, FewerQueuesThanWorkers) {
    eth0().channels = net::Channels{0, 1, 0, 64};
    EXPECT_EQ(commands_of(only("queues")), Commands{"ethtool -L eth0 combined 4"});
    eth0().channels = net::Channels{1, 0, 16, 0};
    EXPECT_EQ(commands_of(only("queues")), Commands{"ethtool -L eth0 rx 4"});
    eth0().channels = net::Channels{1, 1, 1, 64};
    EXPECT_EQ(commands_of(only("queues")), Commands{"ethtool -L eth0 combined 3"}) << "the receiving one stays";
    eth0().channels.reset();
    EXPECT_TRUE(none()) << "a driver that does not tell";
}

TEST_F(Checks, MoreQueuesThanWorkersShareTheirCpus) {
    eth0().channels = net::Channels{0, 16, 0, 64};
    EXPECT_EQ(commands_of(only("queues")), Commands{"ethtool -L eth0 combined 4"});
}

TEST_F(Checks, ACardThatHasFewerQueuesThanWorkers) {
    eth0().channels = net::Channels{0, 2, 0, 2};
    const auto finding = only("queues");
    EXPECT_TRUE(finding.settings.empty());
    EXPECT_EQ(finding.steps, Commands{"name 2 CPUs in [workers] cpus"});
}

TEST_F(Checks, InterruptsOnWorkersCpusOrAllOnOne) {
    const Commands spread{"echo 2 >/proc/irq/60/smp_affinity_list", "echo 3 >/proc/irq/61/smp_affinity_list",
                          "echo 2 >/proc/irq/62/smp_affinity_list", "echo 3 >/proc/irq/63/smp_affinity_list"};
    eth0().irqs[1].cpus = {5};
    EXPECT_EQ(commands_of(only("irq-affinity")), spread);
    eth0().irqs[1].cpus = {2};
    EXPECT_EQ(commands_of(only("irq-affinity")), spread) << "three on one CPU and one on another";
    eth0().irqs[1].cpus = {0, 1, 2, 3};
    EXPECT_EQ(commands_of(only("irq-affinity")), spread) << "anywhere is nowhere";
    eth0().irqs[1].cpus = {3};
    EXPECT_TRUE(none());
}

TEST_F(Checks, WorkersFarFromTheCard) {
    eth0().irqs.clear();
    facts.cpu.node[6] = 0;
    const auto finding = only("numa");
    EXPECT_NE(finding.what.find("CPU 6 "), std::string::npos) << finding.what;
    eth0().node.reset();
    EXPECT_TRUE(none());
}

TEST_F(Checks, SmallRingsAndPauseFrames) {
    eth0().ring = net::RxRing{512, 4096};
    const auto finding = only("ring-size");
    EXPECT_EQ(finding.rank, Rank::loss);
    EXPECT_EQ(commands_of(finding), Commands{"ethtool -G eth0 rx 4096"});
    eth0().ring.reset();
    eth0().pause_frames = true;
    EXPECT_TRUE(only("pause-frames").settings.empty()) << "the link may go down";
    eth0().pause_frames.reset();
    EXPECT_TRUE(none());
}

TEST_F(Checks, TheGravestComesFirst) {
    facts.kernel.mitigations = {{"spectre_v2", "Retpolines"}};
    facts.cpu.irqbalance = true;
    eth0().ring = net::RxRing{512, 4096};
    eth0().link->up = false;
    std::vector<std::string> order;
    for (const auto& finding : examine(facts))
        order.emplace_back(finding.check);
    EXPECT_EQ(order, (std::vector<std::string>{"interface", "ring-size", "irqbalance", "mitigations"}));
}

}  // namespace
}  // namespace gabion::host
