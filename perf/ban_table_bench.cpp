// SPDX-License-Identifier: Apache-2.0
// What the ban tables cost in user space: updates and look-ups of a table of buckets, beside the same in a BPF hash map by
// system call (root); a verdict from decision to being in force; a million bans parsed and loaded; a sweep; a snapshot.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <bpf/bpf.h>

#include "dataplane/ban/ban_load.h"
#include "dataplane/ban/state_file.h"
#include "dataplane/ban/verdict_writer.h"
#include "dataplane/core/fd.h"
#include "tests/unit/ban/host_memory.h"

namespace gabion::ban {
namespace {

constexpr std::uint64_t start = 1'000'000'000'000;

std::uint32_t key(std::uint32_t i) { return i * 2654435761u; }

Prefix address(std::uint32_t i) {
    Prefix prefix;
    const std::uint32_t word = key(i);
    std::memcpy(prefix.bytes.data(), &word, sizeof word);
    return prefix;
}

std::size_t buckets_for(std::int64_t entries) {
    std::size_t buckets = 1;
    while (buckets * 4 < static_cast<std::size_t>(entries))
        buckets *= 2;
    return buckets;
}

// One update of a random key among as many as the argument says.
void table_update(benchmark::State& state) {
    std::vector<gabion_bucket4> memory(buckets_for(state.range(0)));
    const auto hash = testing::random_hash_key(1);
    Table4 table(memory, hash);
    for (std::uint32_t i = 0; i < state.range(0); ++i)
        table.insert(key(i), 1);
    std::uint32_t i = 0;
    for (auto _ : state) {
        i = (i + 7919) % static_cast<std::uint32_t>(state.range(0));
        benchmark::DoNotOptimize(table.insert(key(i), i | 1));
    }
}
BENCHMARK(table_update)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

void table_find(benchmark::State& state) {
    std::vector<gabion_bucket4> memory(buckets_for(state.range(0)));
    const auto hash = testing::random_hash_key(1);
    Table4 table(memory, hash);
    for (std::uint32_t i = 0; i < state.range(0); ++i)
        table.insert(key(i), 1);
    std::uint32_t i = 0;
    for (auto _ : state) {
        i = (i + 7919) % static_cast<std::uint32_t>(state.range(0));
        benchmark::DoNotOptimize(table.find(key(i)));
    }
}
BENCHMARK(table_find)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

void table_insert_and_erase(benchmark::State& state) {
    std::vector<gabion_bucket4> memory(buckets_for(state.range(0)));
    const auto hash = testing::random_hash_key(1);
    Table4 table(memory, hash);
    for (std::uint32_t i = 0; i < state.range(0); ++i)
        table.insert(key(i), 1);
    std::uint32_t i = 0x80000000;
    for (auto _ : state) {
        table.insert(key(++i), 1);
        table.erase(key(i));
    }
}
BENCHMARK(table_insert_and_erase)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

// The kernel's hash map with the same content, by system call: what a ban would cost without the mapped tables.
class KernelMap {
public:
    KernelMap(benchmark::State& state, std::int64_t entries) {
        LIBBPF_OPTS(bpf_map_create_opts, options);
        fd_.reset(
            ::bpf_map_create(BPF_MAP_TYPE_HASH, "bench", 4, 8, static_cast<std::uint32_t>(entries + 1024), &options));
        if (!fd_) {
            state.SkipWithError("no BPF map here (root is needed)");
            return;
        }
        for (std::uint32_t i = 0; i < entries; ++i)
            update(i);
    }
    explicit operator bool() const { return static_cast<bool>(fd_); }
    void update(std::uint32_t i) const {
        const std::uint32_t k = key(i);
        const std::uint64_t value = i;
        ::bpf_map_update_elem(fd_.get(), &k, &value, BPF_ANY);
    }
    [[nodiscard]] bool update_batch(const std::vector<std::uint32_t>& keys,
                                    const std::vector<std::uint64_t>& values) const {
        auto count = static_cast<std::uint32_t>(keys.size());
        LIBBPF_OPTS(bpf_map_batch_opts, options);
        return ::bpf_map_update_batch(fd_.get(), keys.data(), values.data(), &count, &options) == 0;
    }
    void find(std::uint32_t i) const {
        const std::uint32_t k = key(i);
        std::uint64_t value = 0;
        benchmark::DoNotOptimize(::bpf_map_lookup_elem(fd_.get(), &k, &value));
    }

private:
    UniqueFd fd_;
};

void kernel_map_update(benchmark::State& state) {
    const KernelMap map(state, state.range(0));
    if (!map) return;
    std::uint32_t i = 0;
    for (auto _ : state)
        map.update(i = (i + 7919) % static_cast<std::uint32_t>(state.range(0)));
}
BENCHMARK(kernel_map_update)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

void kernel_map_find(benchmark::State& state) {
    const KernelMap map(state, state.range(0));
    if (!map) return;
    std::uint32_t i = 0;
    for (auto _ : state)
        map.find(i = (i + 7919) % static_cast<std::uint32_t>(state.range(0)));
}
BENCHMARK(kernel_map_find)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

struct Book {
    explicit Book(std::size_t buckets) : host({buckets, 16, 16, 16, 1024}), memory(host.memory()) {
        options.blast_addresses = ~0ull >> 1;
    }
    testing::HostMemory host;
    BanMemory memory;
    BookOptions options;
};

// A verdict writer over a quarantine of fixed size, and a verdict for it.
struct Writing {
    Writing() {
        verdict.reason = "heavy-source";
        verdict.duration = std::chrono::seconds(60);
        verdict.rate_pps = 100;
    }
    Book at{1u << 14};
    BanBook book{at.memory, TickClock(1000, {1, start}), at.options};
    DestinationTable destinations{at.memory};
    VerdictWriter writer{book, destinations};
    detect::Verdict verdict;
};

// One verdict about a source that is not in quarantine yet, with its evidence; the table is full of others and one of them must go.
void verdict_in_force(benchmark::State& state) {
    Writing to;
    detect::Verdict& verdict = to.verdict;
    verdict.evidence = {"rate", detect::Standing::unproven, 100, 5000, {{{"source_pps", 50000, 1000}}}, 1};
    std::vector<double> taken;
    taken.reserve(4u << 20);
    std::uint32_t i = 0;
    for (auto _ : state) {
        verdict.target = address(++i);
        const std::uint64_t decided = monotonic_now_ns();
        to.writer.apply(std::span(&verdict, 1), start + i);
        if (taken.size() < taken.capacity()) taken.push_back(static_cast<double>(monotonic_now_ns() - decided));
    }
    std::sort(taken.begin(), taken.end());
    state.counters["p50_ns"] = taken[taken.size() / 2];
    state.counters["p99_ns"] = taken[taken.size() - 1 - taken.size() / 100];
    state.counters["in_quarantine"] = to.book.size(GABION_SET_QUARANTINE);
}
BENCHMARK(verdict_in_force);

// A judgement's verdicts, as many at a time as the argument says, until all are in force; each about a source that is new.
void verdicts_in_a_batch(benchmark::State& state) {
    Writing to;
    std::vector<detect::Verdict> batch(static_cast<std::size_t>(state.range(0)), to.verdict);
    std::uint32_t i = 0;
    std::size_t in_force = 0;
    for (auto _ : state) {
        for (detect::Verdict& each : batch)
            each.target = address(++i);
        in_force += to.writer.apply(batch, start + i);
    }
    state.counters["in_force"] =
        static_cast<double>(in_force) / (static_cast<double>(state.iterations()) * static_cast<double>(batch.size()));
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(verdicts_in_a_batch)->Arg(1)->Arg(64)->Arg(4096);

// The kernel's hash map by its batched system call: the best that bans by system call could do.
void kernel_map_update_in_a_batch(benchmark::State& state) {
    constexpr std::int64_t entries = 100'000;
    const KernelMap map(state, entries);
    if (!map) return;
    const auto size = static_cast<std::uint32_t>(state.range(0));
    std::vector<std::uint32_t> keys(size);
    std::vector<std::uint64_t> values(size, 1);
    std::uint32_t i = 0;
    for (auto _ : state) {
        for (std::uint32_t& each : keys)
            each = key(i = (i + 7919) % entries);
        if (!map.update_batch(keys, values)) state.SkipWithError("the map did not take the batch");
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(kernel_map_update_in_a_batch)->Arg(1)->Arg(64)->Arg(4096);

std::string million_lines() {
    std::string text;
    for (std::uint32_t i = 0; i < 1'000'000; ++i)
        text += address(i).text() + "\n";
    return text;
}

void parse_a_million(benchmark::State& state) {
    const std::string text = million_lines();
    for (auto _ : state)
        benchmark::DoNotOptimize(parse_targets(text, "bench", true));
}
BENCHMARK(parse_a_million)->Unit(benchmark::kMillisecond);

void load_a_million(benchmark::State& state) {
    const auto targets = *parse_targets(million_lines(), "bench", true);
    for (auto _ : state) {
        state.PauseTiming();
        Book at(1u << 18);
        BanBook book(at.memory, TickClock(1000, {1, start}), at.options);
        auto copy = targets;
        state.ResumeTiming();
        BanLoad load(book, std::move(copy), Order{}, start);
        while (!load.step(4096)) {
        }
        state.PauseTiming();
        state.counters["bytes_a_ban"] = static_cast<double>(book.memory_bytes()) / 1e6;
        state.ResumeTiming();
    }
}
BENCHMARK(load_a_million)->Unit(benchmark::kMillisecond);

// A sweep over a million bans that all end some day, in the portions of the control loop; and a snapshot of them for the disk.
void sweep_and_snapshot(benchmark::State& state) {
    Book at(1u << 18);
    BanBook book(at.memory, TickClock(1000, {1, start}), at.options);
    Order ban;
    ban.until_ns = 2 * start;
    for (std::uint32_t i = 0; i < 1'000'000; ++i) {
        ban.target = address(i);
        if (!book.add(ban, start)) state.SkipWithError("does not fit");
    }
    for (auto _ : state) {
        if (state.range(0) == 0) {
            benchmark::DoNotOptimize(book.sweep(start));
        } else {
            benchmark::DoNotOptimize(StateSnapshot(book, Moment{}).finish());
        }
    }
    state.SetLabel(state.range(0) == 0 ? "one sweep of 16,384 records" : "a whole snapshot");
}
BENCHMARK(sweep_and_snapshot)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace gabion::ban

BENCHMARK_MAIN();
