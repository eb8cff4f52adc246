// SPDX-License-Identifier: Apache-2.0
// What a packet costs in the kernel stage by the way it takes, measured by BPF_PROG_TEST_RUN (cache-hot, no driver: a lower bound)
// beside the plainest programs of the same kind. Rounds are interleaved; medians are printed in ns.
#include <linux/bpf.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <bpf/bpf.h>

#include "bpf/abi/control.h"
#include "bpf/abi/cpu.h"
#include "dataplane/ban/address_set.h"
#include "dataplane/core/fd.h"
#include "dataplane/core/host_pipeline.h"
#include "tests/kernel/kernel_pipeline.h"
#include "tests/support/packet.h"

namespace {

using namespace gabion;
using namespace gabion::test;

constexpr std::uint32_t repeat = 1'000'000;
constexpr std::uint32_t now = 1'000'000;
constexpr int rounds = 7;

// "r0 = VERDICT; exit"
UniqueFd bare_program(int verdict) {
    const bpf_insn program[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = verdict},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    return UniqueFd(bpf_prog_load(BPF_PROG_TYPE_XDP, "bare", "GPL", program, 2, nullptr));
}

double bare_cost(int program, const Bytes& frame) {
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.repeat = static_cast<int>(repeat);
    return bpf_prog_test_run_opts(program, &options) == 0 ? options.duration : -1;
}

Prefix address4(std::uint32_t n) {
    Prefix prefix;
    for (unsigned i = 0; i < 4; i++)
        prefix.bytes[i] = static_cast<std::uint8_t>(n >> (24 - 8 * i));
    return prefix;
}

// 100,000 bans of each family and some prefixes, as an operator might hold them.
void fill(HostPipeline& host, std::uint32_t bans, bool prefixes) {
    ban::SetMemory memory;
    memory.exact4 = host.values<gabion_bucket4>("op_e4");
    memory.exact6 = host.values<gabion_bucket6>("op_e6");
    memory.prefix4 = host.values<gabion_bucket4>("op_p4");
    memory.prefix6 = host.values<gabion_bucket6>("op_p6");
    memory.header = &host.control().set[GABION_SET_OPERATOR];
    ban::AddressSet set(memory, host.control().hash);
    std::mt19937 random(1);
    for (std::uint32_t i = 0; i < bans; i++) {
        Prefix six{.family = Family::v6, .length = 128, .bytes = {0x2a, 0x01}};
        for (unsigned at = 4; at < 16; at++)
            six.bytes[at] = static_cast<std::uint8_t>(random());
        set.add(address4(0x0b000000u + random() % 0x01000000u), GABION_FOREVER);
        set.add(six, GABION_FOREVER);
    }
    set.add(*Prefix::parse("203.0.113.7"), GABION_FOREVER);
    set.add(*Prefix::parse("2001:db8:bad::7"), GABION_FOREVER);
    if (!prefixes) return;
    for (const char* each :
         {"100.64.0.0/10", "198.18.0.0/15", "172.16.5.0/24", "2001:db8:dead::/48", "2001:db8:beef:1::/64"})
        set.add(*Prefix::parse(each), GABION_FOREVER);
}

struct Row {
    std::string name;
    std::function<double()> measure;
    std::vector<double> results = {};
};

}  // namespace

int main() {
    if (!KernelPipeline::available()) {
        std::puts("needs root: loads BPF programs");
        return 77;
    }
    HostPipeline host({.exact4 = 1u << 15, .exact6 = 1u << 17});
    fill(host, 100'000, false);
    host.cpu().sampler.random = 1;
    host.control().sampling = {.one_in = 256, .budget = 50, .period_ticks = 25, .reserved = 0};
    KernelPipeline kernel(host);
    kernel.copy_from(host);
    HostPipeline with_prefixes({.exact4 = 1u << 15, .exact6 = 1u << 17});
    fill(with_prefixes, 100'000, true);
    with_prefixes.cpu().sampler.random = 1;
    KernelPipeline prefixes(with_prefixes);
    prefixes.copy_from(with_prefixes);
    const UniqueFd drop = bare_program(XDP_DROP), pass = bare_program(XDP_PASS);

    const Ethernet eth{};
    const Bytes ban4 = (eth / IPv4{.source = "203.0.113.7"} / UDP{}).padded(),
                ban6 = (eth / IPv6{.source = "2001:db8:bad::7"} / UDP{}).bytes();
    const Bytes tcp4 = (eth / IPv4{} / TCP{}).padded(), udp4 = (eth / IPv4{} / UDP{}).padded();
    const Bytes tcp6 = (eth / IPv6{} / TCP{}).bytes(), udp6 = (eth / IPv6{} / UDP{}).bytes();
    const Bytes arp = (Ethernet{.type = 0x0806} / Payload{28}).padded();
    const Bytes vlan = (eth / Vlan{} / IPv4{} / TCP{}).padded(),
                fragment = (eth / IPv4{.fragment = 185, .protocol = 17} / Payload{40}).bytes();
    const auto of = [](KernelPipeline& pipeline, const Bytes& frame) {
        return [&] { return static_cast<double>(pipeline.cost_ns(frame, repeat, now)); };
    };
    std::vector<Row> rows = {
        {"bare XDP_DROP", [&] { return bare_cost(drop.get(), ban4); }},
        {"ban hit, IPv4", of(kernel, ban4)},
        {"ban hit, IPv6", of(kernel, ban6)},
        {"bare XDP_PASS", [&] { return bare_cost(pass.get(), tcp4); }},
        {"not IP", of(kernel, arp)},
        {"clean TCP, IPv4", of(kernel, tcp4)},
        {"clean UDP, IPv4", of(kernel, udp4)},
        {"clean TCP, IPv6", of(kernel, tcp6)},
        {"clean UDP, IPv6", of(kernel, udp6)},
        {"clean TCP, one VLAN tag", of(kernel, vlan)},
        {"clean later fragment", of(kernel, fragment)},
        {"clean TCP, IPv4, with three prefix lengths in use", of(prefixes, tcp4)},
        {"clean TCP, IPv6, with two prefix lengths in use", of(prefixes, tcp6)},
    };
    for (int round = 0; round < rounds; round++)
        for (Row& row : rows)
            row.results.push_back(row.measure());
    for (Row& row : rows) {
        std::sort(row.results.begin(), row.results.end());
        std::printf("%-52s %6.0f ns  (%.0f to %.0f)\n", row.name.c_str(), row.results[rounds / 2], row.results.front(),
                    row.results.back());
    }
    return 0;
}
