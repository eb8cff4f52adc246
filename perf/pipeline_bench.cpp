// SPDX-License-Identifier: Apache-2.0
// The kernel side's code on the host: the parser by kind of frame, the pipeline with one stage after the other switched on, and the
// Bloom filters. Frames and sources vary from packet to packet. No driver, no cost of BPF's own: what the code itself takes. A
// stage's cost is the difference to the row above it.
#include <cstring>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "bpf/abi/control.h"
#include "bpf/abi/cpu.h"
#include "dataplane/ban/address_set.h"
#include "dataplane/ban/bloom.h"
#include "dataplane/ban/named_memory.h"
#include "dataplane/core/host_pipeline.h"
#include "tests/support/packet.h"

namespace gabion {
namespace {

using namespace gabion::test;

constexpr std::size_t frame_count = 4096;
constexpr std::uint32_t held = 100'000;
constexpr std::uint32_t now = 1'000'000;

Prefix address4(std::uint32_t n) {
    Prefix prefix;
    for (unsigned i = 0; i < 4; i++)
        prefix.bytes[i] = static_cast<std::uint8_t>(n >> (24 - 8 * i));
    return prefix;
}

std::uint32_t banned(std::uint32_t index) { return 0x3c000000u + index * 37; }
std::uint32_t clean(std::uint32_t index) { return 0x1f010000u + index; }

// Frames of one kind, each from another source.
std::vector<Bytes> frames(const Packet& kind, std::uint32_t (*source)(std::uint32_t), std::size_t source_at) {
    std::vector<Bytes> all(frame_count, kind.padded());
    for (std::uint32_t i = 0; i < frame_count; i++) {
        const Prefix from = address4(source(i * (held / frame_count)));
        std::memcpy(all[i].data() + source_at, from.bytes.data(), 4);
    }
    return all;
}

struct Kind {
    const char* name;
    Packet packet;
    std::size_t source_at;  // of four bytes that vary
};

const Kind kinds[] = {
    {"TCP, IPv4", Ethernet{} / IPv4{} / TCP{}, 26},
    {"UDP, IPv4", Ethernet{} / IPv4{} / UDP{}, 26},
    {"UDP, IPv6", Ethernet{} / IPv6{} / UDP{}, 34},
    {"TCP, IPv4, two VLAN tags", Ethernet{} / Vlan{.tpid = 0x88a8} / Vlan{} / IPv4{} / TCP{}, 34},
    {"UDP, IPv6, two extensions", Ethernet{} / IPv6{} / Extension{} / Extension{.kind = 60} / UDP{}, 34},
    {"later fragment, IPv4", Ethernet{} / IPv4{.fragment = 185, .protocol = 17} / Payload{40}, 26},
    {"ARP", Ethernet{.type = 0x0806} / Payload{28}, 28},
};

void parse(benchmark::State& state) {
    const Kind& kind = kinds[state.range(0)];
    const std::vector<Bytes> all = frames(kind.packet, clean, kind.source_at);
    std::size_t at = 0;
    for (auto _ : state) {
        gabion_packet packet;
        benchmark::DoNotOptimize(gabion::parse(all[at++ % frame_count], packet));
        benchmark::DoNotOptimize(packet);
    }
    state.SetLabel(kind.name);
}
BENCHMARK(parse)->DenseRange(0, std::size(kinds) - 1);

// 100,000 operator bans, and some of every other table, so that no stage ends at "empty".
void fill(HostPipeline& host) {
    const auto set_of = [&host](gabion_set set) {
        return ban::AddressSet(ban::set_memory(host, set), host.control().hash);
    };
    ban::AddressSet bans = set_of(GABION_SET_OPERATOR);
    for (std::uint32_t i = 0; i < held; ++i)
        bans.add(address4(banned(i)), GABION_FOREVER);
    ban::AddressSet detected = set_of(GABION_SET_DETECTOR), watched = set_of(GABION_SET_WATCH),
                    quarantined = set_of(GABION_SET_QUARANTINE), allowed = set_of(GABION_SET_ALLOW);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        detected.add(address4(0x50000000u + i * 37), GABION_FOREVER);
        quarantined.add(address4(0x51000000u + i * 37), GABION_FOREVER);
        watched.add(address4(0x52000000u + i * 37), GABION_FOREVER);
        allowed.add(address4(0x53000000u + i * 37), GABION_ALLOW_ENTRY);
    }
    ban::AllowBloom bloom(&host.control(), host.values<std::uint64_t>("allow_bloom"));
    bloom.rebuild(allowed);
    host.control().sampling = {.one_in = 256, .budget = 50, .period_ticks = 25, .reserved = 0};
    host.control().panic = {.trips_below = GABION_TOKEN,
                            .rate = 1ull << 40,
                            .depth = 1ull << 50,
                            .drop_threshold = ~0u / 5 * 4,
                            .reserved = 0};
    host.cpu().sampler.random = 1;
}

struct Step {
    const char* name;
    std::uint32_t features;
};

constexpr std::uint32_t until_bans = GABION_FEATURE_BREAKER | GABION_FEATURE_ALLOW | GABION_FEATURE_BANS;
constexpr std::uint32_t until_destinations = until_bans | GABION_FEATURE_QUARANTINE | GABION_FEATURE_DESTINATIONS;
constexpr Step steps[] = {
    {"parse, hash and count alone", 0},
    {"+ breaker", GABION_FEATURE_BREAKER},
    {"+ allow list", GABION_FEATURE_BREAKER | GABION_FEATURE_ALLOW},
    {"+ bans", until_bans},
    {"+ quarantine", until_bans | GABION_FEATURE_QUARANTINE},
    {"+ destinations", until_destinations},
    {"+ sampler", until_destinations | GABION_FEATURE_SAMPLER},
    {"all", GABION_FEATURES_ALL},
};

void stages(benchmark::State& state, std::uint32_t (*source)(std::uint32_t)) {
    HostPipeline host({.exact4 = 1u << 15, .exact6 = 1u << 10});
    fill(host);
    host.settings().features = steps[state.range(0)].features;
    const std::vector<Bytes> all = frames(kinds[1].packet, source, kinds[1].source_at);
    std::size_t at = 0;
    for (auto _ : state) {
        const auto tick = static_cast<std::uint32_t>(now + at / 8192);  // 250 a second at two million packets
        benchmark::DoNotOptimize(host.run(all[at++ % frame_count], 0, tick));
    }
    const std::uint64_t dropped = host.cpu().reason[GABION_REASON_BAN_OPERATOR].packets;
    state.counters["dropped"] = static_cast<double>(dropped) / static_cast<double>(state.iterations());
    state.SetLabel(steps[state.range(0)].name);
}
void clean_packet(benchmark::State& state) { stages(state, clean); }
void banned_packet(benchmark::State& state) { stages(state, banned); }
BENCHMARK(clean_packet)->DenseRange(0, std::size(steps) - 1);
BENCHMARK(banned_packet)->Arg(3)->Arg(7);

// The filter of sources known from calm times, four keys a word: asked about sources that it knows, and about others.
void bloom_contains(benchmark::State& state) {
    gabion_control control{};
    control.hash = HostPipeline().control().hash;
    std::vector<std::uint64_t> words(2 * held / 4);
    words.resize(2u << 15);
    ban::KnownSources known(&control, words, std::uint64_t{3600} * 1'000'000'000u, 0);
    for (std::uint32_t i = 0; i < held; ++i)
        known.add(address4(banned(i)));
    const std::uint32_t base = state.range(0) != 0 ? banned(0) : clean(0);
    std::uint32_t at = 0;
    std::uint64_t yes = 0;
    for (auto _ : state)
        yes += known.contains(address4(base + 37 * (++at % held))) ? 1 : 0;
    state.counters["yes"] = static_cast<double>(yes) / static_cast<double>(state.iterations());
    state.SetLabel(state.range(0) != 0 ? "known sources" : "unknown sources");
}
BENCHMARK(bloom_contains)->Arg(1)->Arg(0);

void bloom_add(benchmark::State& state) {
    gabion_control control{};
    control.hash = HostPipeline().control().hash;
    std::vector<std::uint64_t> words(2u << 15);
    ban::KnownSources known(&control, words, std::uint64_t{3600} * 1'000'000'000u, 0);
    std::uint32_t at = 0;
    for (auto _ : state)
        known.add(address4(banned(++at % held)));
    state.counters["fill"] = known.fill();
}
BENCHMARK(bloom_add);

}  // namespace
}  // namespace gabion

BENCHMARK_MAIN();
