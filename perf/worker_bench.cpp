// SPDX-License-Identifier: Apache-2.0
// CPU time that a worker's thread spends for a packet, against a bare AF_XDP receive loop over the same program, socket and traffic.
// Handing back is left out of both. Rounds are interleaved; medians count. Prints one line a kind and the ratios.
//
//   worker_bench TOOLS [--rate PPS] [--sources LIST] [--seconds S] [--rounds N] [--check]
//     TOOLS: the folder of gbn-flood and gbn-send; --rate 0: as fast as the source goes; --check: 1 when a bound is broken
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>

#include "dataplane/core/clock.h"
#include "dataplane/detect/observer.h"
#include "dataplane/worker/credit.h"
#include "dataplane/worker/look.h"
#include "dataplane/worker/pipe.h"
#include "dataplane/worker/placement.h"
#include "tests/netns/handover_bed.h"

namespace gabion::probe {
namespace {

constexpr double ratio_max = 1.8;
constexpr std::uint32_t batch_packets = 64;

struct Options {
    std::string tools;
    std::string sources = "10.77.0.2,198.18.0.0-198.18.3.231";
    double rate = 0;
    double seconds = 1.5;
    int rounds = 5;
    bool check = false;
};

std::uint64_t thread_cpu_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

struct Measured {
    std::uint64_t packets = 0;
    double ns = 0;
};

// Receives for a while. `ahead` sees every frame of a batch before `each` sees the first; `batch` ends it. The last two get the time
// of the batch.
template <typename Ahead, typename Each, typename Batch>
Measured receive(Bed& bed, const Options& options, Ahead ahead, Each each, Batch batch) {
    auto umem = xsk::Umem::create(2048, worker::chunks_min);
    if (!umem) fail(umem.error().text);
    auto memory = std::make_shared<xsk::Umem>(std::move(*umem));
    auto socket = xsk::Socket::receive(bed.link().name, 0, memory, worker::ring_entries_for(GABION_CREDIT_DEFAULT),
                                       worker::posted_for(GABION_CREDIT_DEFAULT));
    if (!socket) fail(socket.error().text);
    worker::Credit credit(bed.state().queues[0]);
    credit.close();
    credit.begin(xsk::frame_bytes_max_for(bed.link().mtu));
    if (auto entered = socket->enter(bed.xskmap_fd()); !entered) fail(entered.error().text);
    credit.open(GABION_CREDIT_DEFAULT);

    Measured result;
    const std::uint64_t began = monotonic_now_ns();
    const std::uint64_t cpu_began = thread_cpu_ns();
    const auto end = began + static_cast<std::uint64_t>(options.seconds * 1e9);
    for (std::uint64_t now = began; now < end; now = monotonic_now_ns()) {
        std::uint32_t first = 0;
        std::uint32_t slot = 0;
        const std::uint32_t count = socket->rx().peek(batch_packets, first);
        if (count == 0) {
            pollfd wait{socket->fd(), POLLIN, 0};
            ::poll(&wait, 1, 10);
            continue;
        }
        if (!socket->fill().reserve(count, slot)) fail("the fill ring is full");
        for (std::uint32_t i = 0; i < count; ++i)
            ahead(memory->frame(socket->rx().at(first + i).addr, 0).data());
        for (std::uint32_t i = 0; i < count; ++i) {
            const xdp_desc& frame = socket->rx().at(first + i);
            each(memory->frame(frame.addr, frame.len), now);
            socket->fill().slot(slot + i) = frame.addr & ~std::uint64_t{2047};
        }
        socket->rx().release(count);
        socket->fill().submit(count);
        credit.release(count);
        batch(count, now);
        result.packets += count;
    }
    result.ns = static_cast<double>(thread_cpu_ns() - cpu_began) /
                static_cast<double>(std::max<std::uint64_t>(1, result.packets));
    credit.close();
    xsk::Socket::leave(bed.xskmap_fd(), 0);
    return result;
}

template <worker::Observer Observing>
Measured work(Bed& bed, const Options& options, Observing& observer) {
    gabion_worker_counters counters{};
    worker::Thinning thinning(1);
    return receive(
        bed, options, worker::look_ahead,
        [&](std::span<std::uint8_t> frame, std::uint64_t now) {
            gabion_packet packet;
            worker::look(frame, now, thinning, observer, counters, packet);
        },
        [&](std::uint32_t count, std::uint64_t now) {
            thinning.batch(count, now);
            observer.housekeeping(now);
        });
}

// The detectors with somebody who takes their summaries away, as the analyst does.
struct Watched {
    explicit Watched(detect::ObserverParts parts) : observer(detect::HashKey{}, parts) {}
    void observe(const gabion_packet& packet, const gabion_sample& sample) noexcept {
        observer.observe(packet, sample);
    }
    void housekeeping(std::uint64_t now_ns) noexcept {
        observer.housekeeping(now_ns);
        if (auto* slot = observer.take()) observer.give_back(slot);
    }
    [[nodiscard]] bool idle() const noexcept { return observer.idle(); }
    detect::Observer observer;
};

Measured run_kind(Bed& bed, const Options& options, const std::string& kind) {
    const auto nothing_ahead = [](const std::uint8_t*) {};
    if (kind == "bare")
        return receive(
            bed, options, nothing_ahead, [](std::span<std::uint8_t>, std::uint64_t) {},
            [](std::uint32_t, std::uint64_t) {});
    if (kind == "bare, one byte read") {
        unsigned sum = 0;
        return receive(
            bed, options, nothing_ahead, [&](std::span<std::uint8_t> frame, std::uint64_t) { sum += frame[12]; },
            [&](std::uint32_t, std::uint64_t) {
                asm volatile("" : : "r"(sum));
            });
    }
    if (kind == "worker, no detector") {
        worker::NullObserver observer;
        return work(bed, options, observer);
    }
    Watched observer(detect::ObserverParts{});
    return work(bed, options, observer);
}

Child start_source(Bed& bed, const Options& options, double seconds) {
    const std::string time = std::to_string(seconds);
    if (options.rate > 0)
        return bed.start(true, {options.tools + "/gbn-send", "--interface", "wan0", "--to-mac", bed.host_mac(),
                                "--source", options.sources, "--destination", "10.77.0.1", "--rate",
                                std::to_string(options.rate), "--seconds", time});
    return bed.start(true, {options.tools + "/gbn-flood", "--interface", "wan0", "--to-mac", bed.host_mac(), "--source",
                            options.sources, "--destination", "10.77.0.1", "--sport", "1024-65535", "--seconds", time});
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

int run(const Options& options) {
    const std::vector<std::string> kinds{"bare", "bare, one byte read", "worker, no detector",
                                         "worker, three detectors"};
    std::map<std::string, std::vector<double>> ns;
    std::map<std::string, std::uint64_t> packets;
    Bed bed({true, 1});
    if (auto pinned = worker::pin_this_thread(worker::usable_cpus().back()); !pinned) fail(pinned.error().text);
    for (int round = 0; round < options.rounds; ++round) {
        for (const auto& kind : kinds) {
            Child source = start_source(bed, options, options.seconds + 0.5);
            ::poll(nullptr, 0, 250);
            const Measured measured = run_kind(bed, options, kind);
            source.finish();
            ns[kind].push_back(measured.ns);
            packets[kind] += measured.packets;
        }
    }
    const double bare = median(ns["bare"]);
    for (const auto& kind : kinds) {
        const double middle = median(ns[kind]);
        std::printf("%-24s %7.1f ns a packet  x %.2f   (%.1f to %.1f; %.2f Mpps)\n", kind.c_str(), middle,
                    middle / bare, *std::min_element(ns[kind].begin(), ns[kind].end()),
                    *std::max_element(ns[kind].begin(), ns[kind].end()),
                    static_cast<double>(packets[kind]) / options.seconds / options.rounds / 1e6);
    }
    const double ratio = median(ns["worker, three detectors"]) / bare;
    if (options.check && ratio > ratio_max) {
        std::printf("a worker costs %.2f of a bare loop; the bound is %.2f\n", ratio, ratio_max);
        return 1;
    }
    return 0;
}

}  // namespace
}  // namespace gabion::probe

int main(int argc, char** argv) {
    gabion::probe::Options options;
    CLI::App app("CPU time of a worker for each packet");
    app.add_option("tools", options.tools)->required();
    app.add_option("--rate", options.rate);
    app.add_option("--sources", options.sources);
    app.add_option("--seconds", options.seconds);
    app.add_option("--rounds", options.rounds);
    app.add_flag("--check", options.check);
    CLI11_PARSE(app, argc, argv);
    if (::geteuid() != 0) {
        std::printf("skipped: needs root\n");
        return 77;
    }
    return gabion::probe::run(options);
}
