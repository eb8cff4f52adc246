// SPDX-License-Identifier: Apache-2.0
// What a packet costs in the kernel stage by the way it takes, measured by BPF_PROG_TEST_RUN (cache-hot, no driver: a lower bound)
// beside the plainest programs of the same kind and beside one look-up in the kernel's own hash map with as many entries. Rounds are
// interleaved; medians are printed in ns, then the bars.
#include <linux/bpf.h>
#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <bpf/bpf.h>

#include "bpf/abi/control.h"
#include "bpf/abi/cpu.h"
#include "dataplane/ban/address_set.h"
#include "dataplane/ban/bloom.h"
#include "dataplane/ban/named_memory.h"
#include "dataplane/core/fd.h"
#include "dataplane/core/host_pipeline.h"
#include "perf/inside_port.h"
#include "perf/test_run_rows.h"
#include "tests/kernel/kernel_pipeline.h"
#include "tests/support/packet.h"

namespace {

using namespace gabion;
using namespace gabion::perf;
using namespace gabion::test;

constexpr std::uint32_t now = 1'000'000;
constexpr std::uint32_t held = 100'000;  // addresses of each family that are banned, and as many prefixes
constexpr std::uint32_t allowed = 10'000;

constexpr double clean_bar = 2.5;     // hash look-ups above bare XDP_PASS
constexpr double not_ip_bar = 0.5;    // likewise
constexpr double prefixes_bar = 1.0;  // what both lists' prefixes add, in hash look-ups

Prefix address4(std::uint32_t n) {
    Prefix prefix;
    for (unsigned i = 0; i < 4; i++)
        prefix.bytes[i] = static_cast<std::uint8_t>(n >> (24 - 8 * i));
    return prefix;
}

Prefix address6(std::mt19937& random) {
    Prefix six{.family = Family::v6, .length = 128, .bytes = {0x2a, 0x01}};
    for (unsigned at = 2; at < 16; at++)
        six.bytes[at] = static_cast<std::uint8_t>(random());
    return six;
}

ban::AddressSet set_of(HostPipeline& host, gabion_set which) {
    return ban::AddressSet(ban::set_memory(host, which), host.control().hash, {}, [] {});
}

// Bans and an allow list as a large operator might hold them: 11.0.0.0/8 and 2a01::/16 hold the addresses, 16.0.0.0/4 and 2a01::/16 the
// prefixes, of 9 and 8 lengths.
void fill(HostPipeline& host, bool prefixes) {
    ban::AddressSet bans = set_of(host, GABION_SET_OPERATOR), spared = set_of(host, GABION_SET_ALLOW);
    ban::AllowBloom bloom(&host.control(), host.values<std::uint64_t>("allow_bloom"));
    std::mt19937 random(1);
    for (std::uint32_t i = 0; i < held; i++) {
        bans.add(address4(0x0b000000u + random() % 0x01000000u), GABION_FOREVER);
        bans.add(address6(random), GABION_FOREVER);
        if (i >= allowed) continue;
        for (const Prefix& each : {address4(0x0a000000u + random() % 0x01000000u), address6(random)}) {
            bloom.add(each);
            spared.add(each, GABION_ALLOW_ENTRY | GABION_SKIP_ALL);
        }
    }
    bans.add(*Prefix::parse("203.0.113.7"), GABION_FOREVER);
    bans.add(*Prefix::parse("2001:db8:bad::7"), GABION_FOREVER);
    host.cpu().sampler.random = 1;
    host.control().sampling = {.one_in = 256, .budget = 50, .period_ticks = 25, .reserved = 0};
    if (!prefixes) return;
    for (std::uint32_t i = 0; i < held; i++) {
        const Prefix four =
            address4(0x10000000u + random() % 0x10000000u).shortened(16 + static_cast<unsigned>(random() % 9));
        const Prefix six = address6(random).shortened(36 + 4 * static_cast<unsigned>(random() % 8));
        bans.add(four, GABION_FOREVER);
        bans.add(six, GABION_FOREVER);
        if (i % 64 != 0) continue;
        spared.add(four, GABION_ALLOW_ENTRY);
        spared.add(six, GABION_ALLOW_ENTRY);
    }
    bans.add(*Prefix::parse("198.18.0.0/15"), GABION_FOREVER);
}

// Prints what `cost` ns are in hash look-ups, and whether that is within the bar.
void judge(const std::string& what, double cost, double hash, double bar) {
    const double ratio = cost / hash;
    std::printf("%-52s %6.2f hash look-ups (bar %.1f)%s\n", what.c_str(), ratio, bar, ratio <= bar ? "" : "  MISSED");
}

void judge_all(const Rows& rows) {
    const double pass = rows["bare XDP_PASS"];
    for (const char* family : {"IPv4", "IPv6"}) {
        const std::string of = family;
        const double hash = rows["one hash look-up, " + of] - pass;
        for (const char* protocol : {"TCP", "UDP"}) {
            const std::string row = std::string("clean ") + protocol + ", " + of;
            judge(row, rows[row + ", prefixes"] - pass, hash, clean_bar);
        }
        judge("both lists' prefixes, " + of, rows["clean TCP, " + of + ", prefixes"] - rows["clean TCP, " + of], hash,
              prefixes_bar);
        judge("not IP, against " + of + " look-ups", rows["not IP"] - pass, hash, not_ip_bar);
    }
}

// Gabion's rows. `addresses` holds addresses alone, `prefixes` prefixes too. Rounds take the frames of a row in turn: where a clean
// source's bucket is full, or holds its tag, its look-up costs more.
class GabionRows {
public:
    GabionRows(Rows& rows, KernelPipeline& addresses, KernelPipeline& prefixes)
        : rows_(rows), addresses_(addresses), prefixes_(prefixes) {
        for (int host = 1; host <= rounds; host++) {
            const std::string four = "192.0.2." + std::to_string(host), six = "2001:db8::" + std::to_string(host);
            tcp4_.push_back((eth_ / IPv4{.source = four.c_str()} / TCP{}).padded());
            udp4_.push_back((eth_ / IPv4{.source = four.c_str()} / UDP{}).padded());
            tcp6_.push_back((eth_ / IPv6{.source = six.c_str()} / TCP{}).bytes());
            udp6_.push_back((eth_ / IPv6{.source = six.c_str()} / UDP{}).bytes());
        }
    }

    void add_ban_hits() {
        const Bytes four = (eth_ / IPv4{.source = "203.0.113.7"} / UDP{}).padded();
        add("ban hit, IPv4", addresses_, {four});
        add("ban hit, IPv6", addresses_, {(eth_ / IPv6{.source = "2001:db8:bad::7"} / UDP{}).bytes()});
        add("ban hit, IPv4, prefixes in both lists", prefixes_, {four});
        add("ban hit, IPv4, in a prefix", prefixes_, {(eth_ / IPv4{.source = "198.18.9.9"} / UDP{}).padded()});
    }

    void add_clean() {
        add("not IP", prefixes_, {(Ethernet{.type = 0x0806} / Payload{28}).padded()});
        add("clean TCP, IPv4", addresses_, tcp4_);
        add("clean TCP, IPv6", addresses_, tcp6_);
        add("clean TCP, IPv4, prefixes", prefixes_, tcp4_);
        add("clean UDP, IPv4, prefixes", prefixes_, udp4_);
        add("clean TCP, IPv6, prefixes", prefixes_, tcp6_);
        add("clean UDP, IPv6, prefixes", prefixes_, udp6_);
        add("clean TCP, one VLAN tag, prefixes", prefixes_, {(eth_ / Vlan{} / IPv4{} / TCP{}).padded()});
        add("clean later fragment, prefixes", prefixes_,
            {(eth_ / IPv4{.fragment = 185, .protocol = 17} / Payload{40}).bytes()});
    }

    // What comes in by the inside port of a pair, and what it notes of it.
    void add_inside() {
        add_inside("inside port, not IP", (Ethernet{.type = 0x0806} / Payload{28}).padded());
        add_inside("inside port, UDP question, IPv4", (eth_ / IPv4{} / UDP{.sport = 40000, .dport = 9}).padded());
        add_inside("inside port, UDP question, IPv6", (eth_ / IPv6{} / UDP{.sport = 40000, .dport = 9}).bytes());
        add_inside("inside port, TCP data, IPv4", (eth_ / IPv4{} / TCP{.flags = 0x10} / Payload{64}).bytes());
        add_inside("inside port, TCP data, IPv6", (eth_ / IPv6{} / TCP{.flags = 0x10} / Payload{64}).bytes());
    }

private:
    void add_inside(const char* name, Bytes frame) {
        rows_.add(name, [this, frame = std::move(frame)] { return inside_.cost_ns(frame); });
    }
    void add(const char* name, KernelPipeline& pipeline, std::vector<Bytes> frames) {
        rows_.add(name, [&pipeline, frames = std::move(frames), turn = std::size_t{0}]() mutable {
            return static_cast<double>(pipeline.cost_ns(frames[turn++ % frames.size()], repeat, now));
        });
    }

    Rows& rows_;
    KernelPipeline& addresses_;
    KernelPipeline& prefixes_;
    InsidePort inside_;
    const Ethernet eth_{};
    std::vector<Bytes> tcp4_, udp4_, tcp6_, udp6_;
};

}  // namespace

int main() {
    if (!KernelPipeline::available()) {
        std::puts("needs root: loads BPF programs");
        return 77;
    }
    stay_on_first_cpu();
    const HostTableSizes sizes{.exact4 = 1u << 15,
                               .exact6 = 1u << 17,
                               .prefix4 = 1u << 15,
                               .prefix6 = 1u << 17,
                               .prefix_lines6 = 1u << 16,
                               .bloom_words = 1u << 14};
    HostPipeline addresses(sizes), lists(sizes);
    fill(addresses, false);
    fill(lists, true);
    KernelPipeline kernel(addresses, "gabion"), prefixes(lists, "gabion");
    kernel.copy_from(addresses);
    prefixes.copy_from(lists);
    const UniqueFd drop = bare_program(XDP_DROP), pass = bare_program(XDP_PASS);
    const HashProgram hash4(1, held), hash6(4, held);

    const Bytes frame = (Ethernet{} / IPv4{} / TCP{}).padded();
    const auto bare = [&frame](const UniqueFd& program, std::uint32_t verdict) {
        return [&frame, &program, verdict] { return bare_cost(program.get(), frame, verdict); };
    };
    Rows rows;
    GabionRows gabion(rows, kernel, prefixes);
    rows.add("bare XDP_DROP", bare(drop, XDP_DROP));
    gabion.add_ban_hits();
    rows.add("bare XDP_PASS", bare(pass, XDP_PASS));
    rows.add("one hash look-up, IPv4", bare(hash4.program, XDP_PASS));
    rows.add("one hash look-up, IPv6", bare(hash6.program, XDP_PASS));
    gabion.add_clean();
    gabion.add_inside();
    std::printf(
        "%u addresses and %u prefixes of each family banned, %u addresses and %u prefixes allowed, 1 in 256 sampled; "
        "each round's clean packets are of another source\n",
        held, held, allowed, held / 64);
    rows.run();
    judge_all(rows);
    return 0;
}
