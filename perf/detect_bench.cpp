// SPDX-License-Identifier: Apache-2.0
// What the detectors cost a worker for each packet, in nanoseconds: all of them, each by itself, and beside them two references over the
// same packets: a loop that only reads them, and one that counts each source's packets in a std::unordered_map, the least that a
// detector of heavy sources could do.
#include <arpa/inet.h>

#include <chrono>
#include <random>
#include <unordered_map>
#include <vector>

#include <benchmark/benchmark.h>

#include "bpf/abi/reason.h"
#include "dataplane/detect/analyst.h"
#include "dataplane/detect/observer.h"

namespace {

using namespace gabion::detect;

constexpr std::size_t packet_count = 16384;
constexpr std::size_t per_slot = 10'000;  // 500,000 packets a second, every one seen

// Sources: how many; 0 = each packet another one.
std::vector<gabion_packet> packets(std::int64_t sources, int version) {
    std::mt19937_64 random(1);
    std::vector<gabion_packet> result(packet_count);
    for (gabion_packet& packet : result) {
        packet.ip_version = static_cast<__u8>(version);
        const std::uint64_t source = sources == 0 ? random() : random() % static_cast<std::uint64_t>(sources);
        packet.source.word[0] =
            version == 4 ? htonl(0x0a000000u + static_cast<std::uint32_t>(source * 2654435761u)) : htonl(0x20010db8);
        if (version == 6) {
            packet.source.word[1] = static_cast<__u32>(source >> 32);
            packet.source.word[3] = static_cast<__u32>(source);
        }
        packet.destination.word[0] = htonl(0xc6336401);
        packet.protocol = 17;
        packet.ttl = static_cast<__u8>(40 + source % 20);
        packet.destination_port = 53;
        packet.flags = GABION_PACKET_L4;
        packet.ip_length = static_cast<__u32>(60 + random() % 1400);
    }
    return result;
}

// Reads what a detector reads, and keeps nothing.
void bare_loop(benchmark::State& state) {
    const auto all = packets(state.range(0), 4);
    std::size_t at = 0;
    for (auto _ : state) {
        const gabion_packet& packet = all[at++ % packet_count];
        benchmark::DoNotOptimize(packet.source.word[0] + packet.destination.word[0] + packet.ttl + packet.ip_length +
                                 packet.destination_port);
    }
    state.SetItemsProcessed(state.iterations());
}

void plain_count(benchmark::State& state) {
    const auto all = packets(state.range(0), 4);
    std::unordered_map<std::uint32_t, std::uint64_t> counts;
    std::size_t at = 0;
    for (auto _ : state)
        benchmark::DoNotOptimize(++counts[all[at++ % packet_count].source.word[0]]);
    state.SetItemsProcessed(state.iterations());
}

void drain(Observer& observer) {
    while (SlotSummary* slot = observer.take())
        observer.give_back(slot);
}

void observe(benchmark::State& state, ObserverParts parts, const std::vector<gabion_packet>& all) {
    Observer observer({}, parts);
    const gabion_sample sample{GABION_SAMPLE_MAGIC, GABION_REASON_SAMPLED, 1, 0};
    std::size_t at = 0;
    std::uint64_t now_ns = 1'000'000'000;
    observer.housekeeping(now_ns);
    for (auto _ : state) {
        observer.observe(all[at++ % packet_count], sample);
        if (at % per_slot == 0) {
            observer.housekeeping(now_ns += 20'000'000);
            drain(observer);
        }
    }
    state.SetItemsProcessed(state.iterations());
}

void observe(benchmark::State& state, ObserverParts parts, int version) {
    observe(state, parts, packets(state.range(0), version));
}

void all_detectors(benchmark::State& state) { observe(state, {}, 4); }
void all_detectors_ipv6(benchmark::State& state) { observe(state, {}, 6); }
// The same traffic to as many destinations as the argument says; state is held for the 64 busiest.
void destinations(benchmark::State& state) {
    auto all = packets(300, 4);
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i].destination.word[0] =
            htonl(0xc6336401u + static_cast<std::uint32_t>(i % static_cast<std::size_t>(state.range(0))));
    observe(state, {}, all);
}
void sketches_only(benchmark::State& state) { observe(state, {false, false, false}, 4); }
void entropy(benchmark::State& state) { observe(state, {true, false, false}, 4); }
void ttl(benchmark::State& state) { observe(state, {false, true, false}, 4); }
void size(benchmark::State& state) { observe(state, {false, false, true}, 4); }

}  // namespace

BENCHMARK(bare_loop)->Arg(1)->Arg(0);
BENCHMARK(plain_count)->Arg(1)->Arg(300)->Arg(10000)->Arg(0);
BENCHMARK(sketches_only)->Arg(1)->Arg(300)->Arg(10000)->Arg(0);
BENCHMARK(entropy)->Arg(300)->Arg(0);
BENCHMARK(ttl)->Arg(300)->Arg(0);
BENCHMARK(size)->Arg(300)->Arg(0);
BENCHMARK(all_detectors)->Arg(1)->Arg(300)->Arg(10000)->Arg(0);
BENCHMARK(all_detectors_ipv6)->Arg(1)->Arg(300)->Arg(10000)->Arg(0);
BENCHMARK(destinations)->Arg(1)->Arg(8)->Arg(64)->Arg(256);

BENCHMARK_MAIN();
