// SPDX-License-Identifier: Apache-2.0
// What an lcore of the DPDK backend does in a second, beside a loop that forwards without looking, on ports made of rings in memory, and
// what its look ahead is worth: frames of 60 bytes, each from the next of 1,000 or 64,000 sources. Feeding is part of every rate and has a row
// of its own. Rounds are interleaved; medians are printed, or everything as JSON (--json). One core; needs neither root nor huge pages.
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bpf/abi/control.h"
#include "dataplane/ban/address_set.h"
#include "dataplane/ban/named_memory.h"
#include "dataplane/core/clock.h"
#include "tests/support/cables.h"
#include "tests/support/lcore_bed.h"
#include "tests/support/packet.h"

namespace gabion::perf {
namespace {

constexpr std::uint32_t bans = 1'000'000;
constexpr std::uint32_t many = 64'000;
constexpr std::uint32_t few = 1000;
constexpr std::uint32_t first_tick = 1'000'000;
constexpr std::uint64_t tick_ns = 4'000'000;
constexpr std::size_t source_at = 26;  // of an untagged frame of IPv4
constexpr HostTableSizes sizes{.exact4 = 1u << 18, .bloom_words = 1u << 14, .flows = 1u << 14, .proven = 1u << 12};

// Frames of one kind, whose source is the next one of a list each time.
struct Flood {
    test::Bytes frame;
    std::vector<std::uint32_t> sources;  // as they stand in a packet
};

// What stands at the far ends of the two ports.
class Ends {
public:
    Ends() {
        if (buffers_ == nullptr) throw std::runtime_error("no memory for frames");
    }

    // A burst of new frames for the outside port to receive.
    void feed(const Flood& flood) {
        rte_mbuf* frames[dpdk::burst_packets];
        if (rte_pktmbuf_alloc_bulk(buffers_, frames, dpdk::burst_packets) != 0)
            throw std::runtime_error("frames leaked");
        for (rte_mbuf* frame : frames) {
            auto* data = static_cast<std::byte*>(frame->buf_addr) + frame->data_off;
            std::memcpy(data, flood.frame.data(), flood.frame.size());
            std::memcpy(data + source_at, &flood.sources[turn_++ % flood.sources.size()], sizeof(std::uint32_t));
            frame->data_len = static_cast<std::uint16_t>(flood.frame.size());
            frame->pkt_len = frame->data_len;
        }
        auto** const taken = reinterpret_cast<void**>(frames);
        if (rte_ring_enqueue_bulk(cables_.outside.in, taken, dpdk::burst_packets, nullptr) == 0)
            throw std::runtime_error("the outside port does not receive");
    }

    // Lets go of what the inside port sent.
    void drain() {
        rte_mbuf* frames[dpdk::burst_packets];
        auto** const taken = reinterpret_cast<void**>(frames);
        while (const unsigned count = rte_ring_dequeue_burst(cables_.inside.out, taken, dpdk::burst_packets, nullptr))
            rte_pktmbuf_free_bulk(frames, count);
    }

    [[nodiscard]] std::uint16_t outside() const noexcept { return cables_.outside.port->id(); }
    [[nodiscard]] std::uint16_t inside() const noexcept { return cables_.inside.port->id(); }

private:
    test::Cables& cables_ = test::Cables::get();
    // With a cache for this thread, as a port's own buffers have.
    rte_mempool* buffers_ = rte_pktmbuf_pool_create("fed", 4095, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    std::size_t turn_ = 0;
};

std::uint32_t tick_now() {
    static const std::uint64_t began = monotonic_now_ns();
    return first_tick + static_cast<std::uint32_t>((monotonic_now_ns() - began) / tick_ns);
}

// Every stage, and 1 packet in 256 sampled, as a gabiond has it whom nobody told otherwise.
void settle(test::LcoreBed& bed, std::span<const std::uint32_t> banned) {
    bed.settings().features = GABION_FEATURES_ALL | GABION_FEATURE_INLINE;
    bed.settings().checks = GABION_CHECKS_DEFAULT;
    gabion_control& control = bed.tables.control();
    control.flow_idle_ticks = 10'000;
    control.sampling = {.one_in = 256, .budget = 50, .period_ticks = 25, .reserved = 0};
    bed.tables.cpu().sampler.random = 1;
    ban::AddressSet held(ban::set_memory(bed.tables, GABION_SET_OPERATOR), control.hash, {}, [] {});
    for (const std::uint32_t address : banned) {
        Prefix one;
        std::memcpy(one.bytes.data(), &address, sizeof address);
        if (held.add(one, GABION_FOREVER) != ban::AddStatus::added)
            throw std::runtime_error("the ban table is too small for this");
    }
}

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
    return {frame, std::move(sources)};
}

// The same as dpdk-testpmd's forwarding mode "io" does with a port: a burst in, and out by the other port.
void forward(const Ends& ends) {
    rte_mbuf* frames[dpdk::burst_packets];
    const std::uint16_t count = rte_eth_rx_burst(ends.outside(), 0, frames, dpdk::burst_packets);
    const std::uint16_t sent = rte_eth_tx_burst(ends.inside(), 0, frames, count);
    for (std::uint16_t i = sent; i < count; ++i)
        rte_pktmbuf_free(frames[i]);
    (void)rte_eth_rx_burst(ends.inside(), 0, frames, dpdk::burst_packets);
}

void drop(const Ends& ends) {
    rte_mbuf* frames[dpdk::burst_packets];
    const std::uint16_t count = rte_eth_rx_burst(ends.outside(), 0, frames, dpdk::burst_packets);
    rte_pktmbuf_free_bulk(frames, count);
}

// What a program in the kernel does: one packet after the other from its header to its verdict. All are banned.
void judge_one_by_one(const Ends& ends, test::LcoreBed& bed) {
    rte_mbuf* frames[dpdk::burst_packets];
    const std::uint16_t count = rte_eth_rx_burst(ends.outside(), 0, frames, dpdk::burst_packets);
    const std::uint32_t now = tick_now();
    for (std::uint16_t i = 0; i < count; ++i) {
        const auto* begin = static_cast<const std::byte*>(frames[i]->buf_addr) + frames[i]->data_off;
        const HostVerdict verdict = bed.stages().run({begin, frames[i]->data_len}, bed.tables.cpu(), 0, now);
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

void measure(Row& row, Ends& ends, double seconds) {
    const std::uint64_t begin = monotonic_now_ns(), end = begin + static_cast<std::uint64_t>(seconds * 1e9);
    std::uint64_t packets = 0, now = begin;
    for (; now < end; now = monotonic_now_ns())
        for (int i = 0; i < 64; ++i, packets += dpdk::burst_packets) {
            ends.feed(*row.flood);
            row.burst();
            ends.drain();
        }
    row.pps.push_back(static_cast<double>(packets) * 1e9 / static_cast<double>(now - begin));
}

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
    Ends ends;
    test::LcoreBed empty(sizes), holding(sizes);
    settle(empty, {});
    settle(holding, banned);
    const Flood clean = flood_of(clean_addresses(few)), bad = flood_of({banned.begin(), banned.begin() + many});
    std::vector<Row> rows{
        {"forwarding without a look", "forward", &clean, [&] { forward(ends); }},
        {"Gabion, nothing banned", "gabion", &clean, [&] { empty.round(tick_now()); }},
        {"Gabion, 1M bans", "gabion-1m", &clean, [&] { holding.round(tick_now()); }},
        {"dropping without a look", "drop", &bad, [&] { drop(ends); }},
        {"Gabion, 1M bans, 64k banned sources", "gabion-drop", &bad, [&] { holding.round(tick_now()); }},
        {"the same stages, packet by packet", "one-by-one", &bad, [&] { judge_one_by_one(ends, holding); }},
    };
    for (int i = 0; i <= rounds; ++i)
        for (Row& row : rows) {
            measure(row, ends, seconds);
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
