// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "control/host/check.h"

namespace gabion::host {

namespace {

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const auto& part : parts)
        text += (text.empty() ? "" : ", ") + part;
    return text;
}

}  // namespace

std::optional<Finding> kernel_version(const Facts& facts) {
    const auto& kernel = facts.kernel;
    if (kernel.major == 0 || kernel.major > 6 || (kernel.major == 6 && kernel.minor >= 1)) return std::nullopt;
    return Finding{.check = "kernel-version",
                   .rank = Rank::critical,
                   .interface = {},
                   .what = "Linux " + kernel.release + " is older than 6.1",
                   .cost = "Gabion is tested from 6.1 on; the programs may not load",
                   .settings = {},
                   .steps = {"apt-get install linux-image-amd64 && reboot"}};
}

std::optional<Finding> kernel_btf(const Facts& facts) {
    if (facts.kernel.btf) return std::nullopt;
    return Finding{.check = "btf",
                   .rank = Rank::slow,
                   .interface = {},
                   .what = "the kernel does not describe its types (no /sys/kernel/btf/vmlinux)",
                   .cost = "no SYN cookies: their kernel function is found by BTF; SYN floods are capped instead",
                   .settings = {},
                   .steps = {"boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions' kernels are"}};
}

std::optional<Finding> bpf_features(const Facts& facts) {
    if (!facts.kernel.missing || facts.kernel.missing->empty()) return std::nullopt;
    return Finding{
        .check = "bpf-features",
        .rank = Rank::critical,
        .interface = {},
        .what = "the kernel lacks " + joined(*facts.kernel.missing),
        .cost = "the programs do not load: nothing is protected",
        .settings = {},
        .steps = {"boot a kernel from 6.1 on with CONFIG_BPF_SYSCALL, CONFIG_XDP_SOCKETS, CONFIG_NET_CLS_BPF and "
                  "CONFIG_INET"}};
}

std::optional<Finding> bpf_jit(const Facts& facts) {
    if (facts.kernel.jit != 0u) return std::nullopt;
    return Finding{.check = "bpf-jit",
                   .rank = Rank::slow,
                   .interface = {},
                   .what = "BPF programs are interpreted (net.core.bpf_jit_enable is 0)",
                   .cost = "every packet; how much was not measured",
                   .settings = {{SettingKind::file, "/proc/sys/net/core/bpf_jit_enable", {}, "1"}},
                   .steps = {}};
}

std::optional<Finding> bpf_file_system(const Facts& facts) {
    if (facts.kernel.bpffs) return std::nullopt;
    const std::string place = facts.wanted.pin.starts_with("/sys/fs/bpf/") ? "/sys/fs/bpf" : facts.wanted.pin;
    return Finding{.check = "bpffs",
                   .rank = Rank::note,
                   .interface = {},
                   .what = "no BPF file system is mounted where state.pin lies (" + facts.wanted.pin + ")",
                   .cost = "gabiond mounts one when it starts",
                   .settings = {},
                   .steps = {"mount -t bpf bpf " + place}};
}

std::optional<Finding> syn_cookies(const Facts& facts) {
    const auto& kernel = facts.kernel;
    if (!facts.wanted.syn_cookies || !kernel.btf) return std::nullopt;
    Finding finding{
        .check = "syn-cookies",
        .rank = Rank::slow,
        .interface = {},
        .what = {},
        .cost = "SYN floods are capped and not answered: new clients wait for their second SYN while one lasts",
        .settings = {},
        .steps = {}};
    if (kernel.cookies == false) {
        finding.rank = Rank::note;
        finding.what = "the kernel cannot take connections from our cookies (bpf_sk_assign_tcp_reqsk, Linux 6.9)";
        finding.steps = {
            "boot Linux 6.9 or later; on Debian 12: apt-get install -t bookworm-backports linux-image-amd64"};
        return finding;
    }
    if (kernel.tcp_syncookies != 0u) return std::nullopt;
    finding.what = "net.ipv4.tcp_syncookies is 0: no listener takes a connection from a cookie";
    finding.steps = {"sysctl -w net.ipv4.tcp_syncookies=1"};
    return finding;
}

std::optional<Finding> time_source(const Facts& facts) {
    // Those that a process can only read through a system call and a slow device register.
    constexpr std::array slow{"hpet", "acpi_pm", "jiffies", "refined-jiffies"};
    const auto& kernel = facts.kernel;
    if (std::find(slow.begin(), slow.end(), kernel.clocksource) == slow.end()) return std::nullopt;
    Finding finding{.check = "time-source",
                    .rank = Rank::slow,
                    .interface = {},
                    .what = "the clock source is " + kernel.clocksource,
                    .cost =
                        "workers and programs read the clock for each batch: a system call and a device access instead "
                        "of an instruction; not measured here",
                    .settings = {},
                    .steps = {"look why with: dmesg | grep -i -e clocksource -e tsc"}};
    const auto& all = kernel.clocksources;
    if (std::find(all.begin(), all.end(), "tsc") != all.end())
        finding.steps.emplace_back("echo tsc >/sys/devices/system/clocksource/clocksource0/current_clocksource");
    return finding;
}

std::optional<Finding> mitigations(const Facts& facts) {
    if (facts.kernel.mitigations.empty()) return std::nullopt;
    std::string names;
    for (const auto& [name, text] : facts.kernel.mitigations)
        names += (names.empty() ? "" : ", ") + name;
    return Finding{
        .check = "mitigations",
        .rank = Rank::note,
        .interface = {},
        .what = "mitigations are in force: " + names,
        .cost =
            "not measured on this host; elsewhere indirect calls and system calls are what they slow down, an "
            "XDP drop has few of either",
        .settings = {},
        .steps = {"leave them on unless nothing but Gabion runs on this host"}};
}

}  // namespace gabion::host
