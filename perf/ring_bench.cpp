// SPDX-License-Identifier: Apache-2.0
// The rings of AF_XDP in plain memory, by batch: a frame's whole round (fill, receive, transmit, completion), with this program in
// the kernel's place at their other ends; and the queue between analyst and verdict writer, within a thread and between two.
#include <atomic>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <boost/lockfree/spsc_queue.hpp>

#include "dataplane/detect/verdict.h"
#include "dataplane/xsk/completion_ring.h"
#include "dataplane/xsk/fill_ring.h"
#include "dataplane/xsk/rx_ring.h"
#include "dataplane/xsk/tx_ring.h"

namespace gabion::xsk {
namespace {

constexpr std::uint32_t entries = 512;
constexpr std::uint32_t chunk_bytes = 2048;

// What the kernel shares with a socket: indices on lines of their own, and the entries.
template <typename Entry>
struct Shared {
    alignas(64) std::uint32_t producer = 0;
    alignas(64) std::uint32_t consumer = 0;
    std::vector<Entry> ring = std::vector<Entry>(entries);

    template <typename Ring>
    void join(Ring* raw, std::uint32_t cached_consumer) {
        raw->cached_prod = 0;
        raw->cached_cons = cached_consumer;
        raw->mask = entries - 1;
        raw->size = entries;
        raw->producer = &producer;
        raw->consumer = &consumer;
        raw->ring = ring.data();
    }
    Entry& slot(std::uint32_t number) { return ring[number & (entries - 1)]; }
    // The kernel's end: what it produces, and what it consumes.
    void produced(std::uint32_t count) { __atomic_store_n(&producer, producer + count, __ATOMIC_RELEASE); }
    void consumed(std::uint32_t count) { __atomic_store_n(&consumer, consumer + count, __ATOMIC_RELEASE); }
};

struct Rings {
    Shared<xdp_desc> rx_memory, tx_memory;
    Shared<__u64> fill_memory, completion_memory;
    RxRing rx;
    TxRing tx;
    FillRing fill;
    CompletionRing completion;

    Rings() {
        rx_memory.join(rx.raw(), 0);
        completion_memory.join(completion.raw(), 0);
        tx_memory.join(tx.raw(), entries);  // a producer's cached consumer is one round ahead (xsk.h)
        fill_memory.join(fill.raw(), entries);
    }

    // The kernel: moves posted frames to the receive ring, and what was transmitted to the completion ring.
    void kernel(std::uint32_t count, std::uint32_t length) {
        for (std::uint32_t i = 0; i < count; i++)
            rx_memory.slot(rx_memory.producer + i) = {fill_memory.slot(fill_memory.consumer + i), length, 0};
        fill_memory.consumed(count);
        rx_memory.produced(count);
    }
    void complete(std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; i++)
            completion_memory.slot(completion_memory.producer + i) = tx_memory.slot(tx_memory.consumer + i).addr;
        tx_memory.consumed(count);
        completion_memory.produced(count);
    }
};

void post(Rings& rings, std::uint32_t count, std::uint64_t& address) {
    std::uint32_t first = 0;
    if (!rings.fill.reserve(count, first)) return;
    for (std::uint32_t i = 0; i < count; i++, address += chunk_bytes)
        rings.fill.slot(first + i) = address;
    rings.fill.submit(count);
}

// Takes a batch, sends it on, takes the completions and posts their frames again. Returns how many went round.
std::uint32_t round(Rings& rings, std::uint32_t batch) {
    std::uint32_t first = 0, slot = 0;
    const std::uint32_t count = rings.rx.peek(batch, first);
    if (count == 0 || !rings.tx.reserve(count, slot)) return 0;
    for (std::uint32_t i = 0; i < count; i++)
        rings.tx.slot(slot + i) = rings.rx.at(first + i);
    rings.rx.release(count);
    rings.tx.submit(count);
    rings.complete(count);
    const std::uint32_t done = rings.completion.peek(batch, first);
    if (!rings.fill.reserve(done, slot)) return 0;
    for (std::uint32_t i = 0; i < done; i++)
        rings.fill.slot(slot + i) = rings.completion.at(first + i);
    rings.completion.release(done);
    rings.fill.submit(done);
    return done;
}

void frames_round(benchmark::State& state) {
    Rings rings;
    const auto batch = static_cast<std::uint32_t>(state.range(0));
    std::uint64_t address = 0, length = 60, went = 0;
    post(rings, entries / 2, address);
    for (auto _ : state) {
        rings.kernel(batch, static_cast<std::uint32_t>(length++ % 1440 + 60));
        went += round(rings, batch);
    }
    if (went != static_cast<std::uint64_t>(state.iterations()) * batch)
        state.SkipWithError("frames were lost on the way");
    state.SetItemsProcessed(static_cast<std::int64_t>(went));
}
BENCHMARK(frames_round)->Arg(1)->Arg(16)->Arg(64)->Arg(128);

detect::Verdict verdict(std::uint32_t number) {
    detect::Verdict result;
    result.target.bytes[0] = static_cast<std::uint8_t>(number);
    result.rate_pps = number;
    result.decided_ns = number;
    return result;
}

using Queue = boost::lockfree::spsc_queue<detect::Verdict>;
constexpr std::size_t queue_entries = 4096;  // as the daemon's

void verdict_queue_one_thread(benchmark::State& state) {
    Queue queue(queue_entries);
    std::uint32_t number = 0;
    double sum = 0;
    for (auto _ : state) {
        for (int i = 0; i < 64; i++)
            queue.push(verdict(++number));
        queue.consume_all([&](const detect::Verdict& each) { sum += each.rate_pps; });
    }
    benchmark::DoNotOptimize(sum);
    state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(verdict_queue_one_thread);

// Another thread takes them; all that were pushed must arrive.
void verdict_queue_two_threads(benchmark::State& state) {
    Queue queue(queue_entries);
    std::atomic<bool> done = false;
    std::uint64_t taken = 0, pushed = 0;
    std::thread taker([&] {
        const auto take = [&] {
            return queue.consume_all([&](const detect::Verdict& each) { taken += each.decided_ns != 0; });
        };
        while (!done.load(std::memory_order_acquire))
            if (take() == 0) std::this_thread::yield();
        take();
    });
    std::uint32_t number = 0;
    for (auto _ : state) {
        const detect::Verdict next = verdict(++number | 1);
        while (!queue.push(next))
            std::this_thread::yield();
        pushed++;
    }
    done.store(true, std::memory_order_release);
    taker.join();
    if (taken != pushed) state.SkipWithError("verdicts were lost on the way");
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(verdict_queue_two_threads)->UseRealTime();

}  // namespace
}  // namespace gabion::xsk

BENCHMARK_MAIN();
