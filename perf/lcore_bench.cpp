// SPDX-License-Identifier: Apache-2.0
// What an lcore of the DPDK backend does in a second, beside a loop that forwards without looking, on ports made of rings in memory, and
// what its look ahead is worth: frames of 60 bytes, each from the next of 1,000 or 64,000 sources. Feeding is part of every rate and has a row
// of its own. Rounds are interleaved; medians are printed, or everything as JSON (--json). One core; needs neither root nor huge pages.
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "perf/lcore_rig.h"
#include "tests/support/packet.h"

namespace gabion::perf {
namespace {

constexpr std::uint32_t bans = 1'000'000;
constexpr std::uint32_t many = 64'000;
constexpr std::uint32_t few = 1000;

std::uint32_t in_packet(std::uint32_t address) { return __builtin_bswap32(address); }

// 60.0.0.0 and every 37th address from there on, in no order.
std::vector<std::uint32_t> banned_addresses() {
    std::vector<std::uint32_t> all(bans);
    for (std::uint32_t i = 0; i < bans; ++i)
        all[i] = in_packet(0x3c000000u + i * 37);
    std::mt19937 random(1);
    std::shuffle(all.begin(), all.end(), random);
    return all;
}

std::vector<std::uint32_t> clean_addresses(std::uint32_t count) {
    std::vector<std::uint32_t> all(count);
    for (std::uint32_t i = 0; i < count; ++i)
        all[i] = in_packet(0x1f010000u + i);
    return all;
}

Flood flood_of(std::vector<std::uint32_t> sources) {
    const test::Bytes frame = (test::Ethernet{} / test::IPv4{} / test::UDP{.sport = 40000, .dport = 9}).padded();
    return {{frame.begin(), frame.end()}, std::move(sources)};
}

// The same as dpdk-testpmd's forwarding mode "io" does with a port: a burst in, and out by the other port.
void forward(const RingPorts& ports) {
    rte_mbuf* frames[dpdk::burst_packets];
    const std::uint16_t count = rte_eth_rx_burst(ports.outside().id(), 0, frames, dpdk::burst_packets);
    const std::uint16_t sent = rte_eth_tx_burst(ports.inside().id(), 0, frames, count);
    for (std::uint16_t i = sent; i < count; ++i)
        rte_pktmbuf_free(frames[i]);
    (void)rte_eth_rx_burst(ports.inside().id(), 0, frames, dpdk::burst_packets);
}

void drop(const RingPorts& ports) {
    rte_mbuf* frames[dpdk::burst_packets];
    const std::uint16_t count = rte_eth_rx_burst(ports.outside().id(), 0, frames, dpdk::burst_packets);
    rte_pktmbuf_free_bulk(frames, count);
}

// What a program in the kernel does: one packet after the other from its header to its verdict. All are banned.
void judge_one_by_one(const RingPorts& ports, Rig& rig) {
    rte_mbuf* frames[dpdk::burst_packets];
    const std::uint16_t count = rte_eth_rx_burst(ports.outside().id(), 0, frames, dpdk::burst_packets);
    const std::uint32_t now = rig.now();
    for (std::uint16_t i = 0; i < count; ++i) {
        const auto* begin = static_cast<const std::byte*>(frames[i]->buf_addr) + frames[i]->data_off;
        const HostVerdict verdict = rig.stages().run({begin, frames[i]->data_len}, rig.cpu(), 0, now);
        if (verdict.action != GABION_ACTION_DROP) throw std::runtime_error("a banned packet was not dropped");
        rte_pktmbuf_free(frames[i]);
    }
}

struct Row {
    std::string name, key;
    const Flood* flood;
    std::function<void()> burst;
    std::vector<double> pps = {};

    [[nodiscard]] double median() {
        std::sort(pps.begin(), pps.end());
        return pps[pps.size() / 2];
    }
};

void measure(Row& row, RingPorts& ports, double seconds) {
    const std::uint64_t begin = monotonic_now_ns(), end = begin + static_cast<std::uint64_t>(seconds * 1e9);
    std::uint64_t packets = 0, now = begin;
    for (; now < end; now = monotonic_now_ns())
        for (int i = 0; i < 64; ++i, packets += dpdk::burst_packets) {
            ports.feed(*row.flood);
            row.burst();
            ports.drain();
        }
    row.pps.push_back(static_cast<double>(packets) * 1e9 / static_cast<double>(now - begin));
}

void round_of(Rig& rig) { static_cast<void>(rig.lcore().round(monotonic_now_ns())); }

int run(int argc, char** argv) {
    int rounds = 21;
    double seconds = 0.05;
    bool json = false;
    CLI::App app{"What an lcore forwards and drops in a second"};
    app.add_option("--rounds", rounds)->check(CLI::Range(1, 10'000));
    app.add_option("--seconds", seconds, "of a row's turn")->check(CLI::Range(0.001, 60.0));
    app.add_flag("--json", json);
    CLI11_PARSE(app, argc, argv);
    ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);  // the daemon's tables are the kernel's maps, in small pages

    const std::vector<std::uint32_t> banned = banned_addresses();
    RingPorts ports;
    Rig empty(ports, {}), holding(ports, banned);
    const Flood clean = flood_of(clean_addresses(few)), bad = flood_of({banned.begin(), banned.begin() + many});
    std::vector<Row> rows{
        {"forwarding without a look", "forward", &clean, [&] { forward(ports); }},
        {"Gabion, nothing banned", "gabion", &clean, [&] { round_of(empty); }},
        {"Gabion, 1M bans", "gabion-1m", &clean, [&] { round_of(holding); }},
        {"dropping without a look", "drop", &bad, [&] { drop(ports); }},
        {"Gabion, 1M bans, 64k banned sources", "gabion-drop", &bad, [&] { round_of(holding); }},
        {"the same stages, packet by packet", "one-by-one", &bad, [&] { judge_one_by_one(ports, holding); }},
    };
    for (int i = 0; i <= rounds; ++i)
        for (Row& row : rows) {
            measure(row, ports, seconds);
            if (i == 0) row.pps.clear();  // warm
        }
    nlohmann::json told;
    for (Row& row : rows) {
        told[row.key] = {
            {"name", row.name}, {"pps", row.median()}, {"least", row.pps.front()}, {"most", row.pps.back()}};
        if (!json)
            std::printf("%-40s %7.2f Mpps (%.2f to %.2f) %6.1f ns a packet\n", row.name.c_str(), row.median() / 1e6,
                        row.pps.front() / 1e6, row.pps.back() / 1e6, 1e9 / row.median());
    }
    if (json) std::printf("%s\n", told.dump().c_str());
    return 0;
}

}  // namespace
}  // namespace gabion::perf

int main(int argc, char** argv) {
    try {
        return gabion::perf::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "lcore_bench: %s\n", error.what());
        return 1;
    }
}
