// SPDX-License-Identifier: Apache-2.0
// CPU time that a worker's thread spends for a packet, against a bare AF_XDP loop over the same program, socket and traffic: receiving
// alone, where handing back is left out of both, and the whole way, where the bare loop hands back too. Rounds are interleaved;
// medians count. Prints one line a kind with its ratio.
//
//   worker_bench TOOLS [--rate PPS] [--sources LIST] [--seconds S] [--rounds N] [--only receive|handback] [--json FILE] [--check]
//     TOOLS: the folder of gbn-flood and gbn-send; --rate 0: as fast as the source goes; --check: 1 when a bound is broken
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "dataplane/core/clock.h"
#include "dataplane/detect/observer.h"
#include "dataplane/worker/credit.h"
#include "dataplane/worker/look.h"
#include "dataplane/worker/pipe.h"
#include "dataplane/worker/placement.h"
#include "dataplane/worker/thinning.h"
#include "dataplane/worker/worker.h"
#include "tests/netns/handover_bed.h"

namespace gabion::probe {
namespace {

constexpr double ratio_max = 1.4;
constexpr double handback_ratio_max = 1.3;
constexpr std::uint32_t batch_packets = 64;
constexpr std::uint16_t sink_port = 80;

struct Options {
    std::string tools;
    std::string sources = "10.77.0.2,198.18.0.0-198.18.3.231";
    double rate = 0;
    double seconds = 1.5;
    int rounds = 5;
    std::string only;
    std::string json;
    bool check = false;
};

std::uint64_t cpu_ns(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

struct Measured {
    std::uint64_t packets = 0;
    double ns = 0;
};

using Frames = std::span<const std::span<const std::uint8_t>>;

// Receives for a while. `batch` gets the frames of each batch and the time; then they go back to the fill ring.
template <typename Batch>
Measured receive(Bed& bed, const Options& options, Batch batch) {
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
    const std::uint64_t cpu_began = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    std::array<std::span<const std::uint8_t>, batch_packets> frames;
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
        for (std::uint32_t i = 0; i < count; ++i) {
            const xdp_desc& frame = socket->rx().at(first + i);
            frames[i] = memory->frame(frame.addr, frame.len);
            socket->fill().slot(slot + i) = frame.addr & ~std::uint64_t{2047};
        }
        batch(Frames(frames.data(), count), now);
        socket->rx().release(count);
        socket->fill().submit(count);
        credit.release(count);
        result.packets += count;
    }
    result.ns = static_cast<double>(cpu_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_began) /
                static_cast<double>(std::max<std::uint64_t>(1, result.packets));
    credit.close();
    xsk::Socket::leave(bed.xskmap_fd(), 0);
    return result;
}

// What a worker does with a batch for its detectors.
template <worker::Observer Observing>
Measured work(Bed& bed, const Options& options, Observing& observer) {
    gabion_worker_counters counters{};
    worker::Thinning thinning(1);
    return receive(bed, options, [&](Frames frames, std::uint64_t now) {
        const auto count = static_cast<std::uint32_t>(frames.size());
        std::array<std::uint32_t, batch_packets> chosen;
        std::size_t seen = 0;
        thinning.batch(count, now);
        for (std::uint32_t i = thinning.next(0, count); i < count; i = thinning.next(i + 1, count)) {
            worker::look_ahead(frames[i].data());
            chosen[seen++] = i;
        }
        if (worker::is_late(worker::sample_before(frames[0]), now)) counters.late += count;
        for (std::size_t i = 0; i < seen; ++i) {
            const auto frame = frames[chosen[i]];
            gabion_packet packet;
            if (worker::read_packet(frame, packet))
                worker::look(packet, worker::sample_before(frame), thinning.one_in(), observer);
        }
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

worker::WorkerConfig worker_config(Bed& bed, const net::HandBack& hand_back) {
    worker::WorkerConfig config;
    config.pipe.interface = bed.link().name;
    config.pipe.way_out = hand_back.interface();
    config.pipe.mark = hand_back_mark;
    config.pipe.mtu = bed.link().mtu;
    config.xskmap_fd = bed.xskmap_fd();
    config.queue = &bed.state().queues[0];
    config.counters = &bed.state().workers[0];
    return config;
}

// Gives every packet back as the worker does, and does nothing else.
Measured bare_handback(Bed& bed, const Options& options) {
    const net::HandBack hand_back = bed.open_hand_back();
    const worker::WorkerConfig config = worker_config(bed, hand_back);
    auto pipe = worker::Pipe::open(config.pipe);
    if (!pipe) fail(pipe.error().text);
    worker::Credit credit(*config.queue);
    credit.close();
    credit.begin(xsk::frame_bytes_max_for(config.pipe.mtu));
    if (auto entered = pipe->receiver().enter(config.xskmap_fd); !entered) fail(entered.error().text);
    credit.open(config.pipe.credit);
    Measured result;
    const std::uint64_t began = monotonic_now_ns();
    const std::uint64_t cpu_began = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    const auto end = began + static_cast<std::uint64_t>(options.seconds * 1e9);
    while (monotonic_now_ns() < end) {
        std::uint32_t first = 0;
        const std::uint32_t reclaimed = pipe->reclaim();
        credit.release(reclaimed);
        const std::uint32_t count = pipe->take(batch_packets, first);
        for (std::uint32_t i = 0; i < count; ++i)
            pipe->pass_on(pipe->at(first + i));
        pipe->release(count);
        if (pipe->waiting() > 0) pipe->kick();
        result.packets += count;
        if (count + reclaimed > 0) continue;
        pollfd wait{pipe->receiver().fd(), POLLIN, 0};
        ::poll(&wait, 1, 1);
    }
    result.ns = static_cast<double>(cpu_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_began) /
                static_cast<double>(std::max<std::uint64_t>(1, result.packets));
    credit.close();
    xsk::Socket::leave(config.xskmap_fd, 0);
    return result;
}

// The worker as gabiond runs it.
Measured whole_worker(Bed& bed, const Options& options) {
    const net::HandBack hand_back = bed.open_hand_back();
    Watched observer(detect::ObserverParts{});
    auto worker = worker::Worker<Watched>::open(worker_config(bed, hand_back), observer);
    if (!worker) fail(worker.error().text);
    const std::uint64_t received = bed.state().workers[0].received;
    std::uint64_t cpu = 0;
    std::thread thread([&] {
        const std::uint64_t before = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
        if (auto ran = (*worker)->run(); !ran) fail(ran.error().text);
        cpu = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - before;
    });
    ::poll(nullptr, 0, static_cast<int>(options.seconds * 1e3));
    (*worker)->stop();
    thread.join();
    Measured result{bed.state().workers[0].received - received, 0};
    result.ns = static_cast<double>(cpu) / static_cast<double>(std::max<std::uint64_t>(1, result.packets));
    return result;
}

constexpr const char* bare = "bare";
constexpr const char* bare_read = "bare, one byte read";
constexpr const char* unobserved = "worker, no detector";
constexpr const char* observed = "worker, three detectors";
constexpr const char* bare_back = "bare, handing back";
constexpr const char* whole = "worker, handing back";

Measured run_kind(Bed& bed, const Options& options, const std::string& kind) {
    if (kind == bare) return receive(bed, options, [](Frames, std::uint64_t) {});
    if (kind == bare_read) {
        unsigned sum = 0;
        return receive(bed, options, [&](Frames frames, std::uint64_t) {
            for (const auto& frame : frames)
                sum += frame[12];
            asm volatile("" : : "r"(sum));
        });
    }
    if (kind == bare_back) return bare_handback(bed, options);
    if (kind == whole) return whole_worker(bed, options);
    if (kind == unobserved) {
        worker::NullObserver observer;
        return work(bed, options, observer);
    }
    Watched observer(detect::ObserverParts{});
    return work(bed, options, observer);
}

// What is handed back ends in a socket that nobody reads: the cheapest end that the stack has.
UniqueFd sink() {
    UniqueFd fd(::socket(AF_INET, SOCK_DGRAM, 0));
    const int bytes = 0;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(sink_port);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("no socket at the sink");
    return fd;
}

Child start_source(Bed& bed, const Options& options, double seconds) {
    const std::string time = std::to_string(seconds), cpu = std::to_string(worker::usable_cpus().front());
    if (options.rate > 0)
        return bed.start(true, {"taskset", "-c", cpu, options.tools + "/gbn-send", "--interface", "wan0", "--to-mac",
                                bed.host_mac(), "--source", options.sources, "--destination", "10.77.0.1", "--rate",
                                std::to_string(options.rate), "--seconds", time});
    return bed.start(
        true, {"taskset", "-c", cpu, options.tools + "/gbn-flood", "--interface", "wan0", "--to-mac", bed.host_mac(),
               "--source", options.sources, "--destination", "10.77.0.1", "--sport", "1024-65535", "--seconds", time});
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

struct Pair {
    const char* kind;
    const char* reference;
    double ratio_max;
};

int run(const Options& options) {
    const std::vector<Pair> receiving{
        {bare, bare, 0}, {bare_read, bare, 0}, {unobserved, bare, 0}, {observed, bare, ratio_max}};
    const std::vector<Pair> handing_back{{bare_back, bare_back, 0}, {whole, bare_back, handback_ratio_max}};
    std::vector<Pair> pairs;
    if (options.only != "handback") pairs.insert(pairs.end(), receiving.begin(), receiving.end());
    if (options.only != "receive") pairs.insert(pairs.end(), handing_back.begin(), handing_back.end());
    std::map<std::string, std::vector<double>> ns;
    std::map<std::string, std::uint64_t> packets;
    Bed bed({true, 1});
    const UniqueFd socket = sink();
    if (auto pinned = worker::pin_this_thread(worker::usable_cpus().back()); !pinned) fail(pinned.error().text);
    for (int round = 0; round < options.rounds; ++round) {
        for (const Pair& pair : pairs) {
            Child source = start_source(bed, options, options.seconds + 0.5);
            ::poll(nullptr, 0, 250);
            const Measured measured = run_kind(bed, options, pair.kind);
            source.finish();
            ns[pair.kind].push_back(measured.ns);
            packets[pair.kind] += measured.packets;
        }
    }
    bool broken = false;
    nlohmann::json rows = nlohmann::json::array();
    for (const Pair& pair : pairs) {
        const std::vector<double>& all = ns[pair.kind];
        const double ratio = median(all) / median(ns[pair.reference]);
        const auto [least, most] = std::minmax_element(all.begin(), all.end());
        const double mpps = static_cast<double>(packets[pair.kind]) / options.seconds / options.rounds / 1e6;
        std::printf("%-24s %7.1f ns a packet  x %.2f   (%.1f to %.1f; %.2f Mpps)\n", pair.kind, median(all), ratio,
                    *least, *most, mpps);
        rows.push_back({{"kind", pair.kind},
                        {"reference", pair.reference},
                        {"ns", median(all)},
                        {"least", *least},
                        {"most", *most},
                        {"ratio", ratio},
                        {"mpps", mpps}});
        if (pair.ratio_max > 0 && ratio > pair.ratio_max) {
            std::printf("%s costs %.2f of %s; the bound is %.2f\n", pair.kind, ratio, pair.reference, pair.ratio_max);
            broken = true;
        }
    }
    if (!options.json.empty()) std::ofstream(options.json) << rows << '\n';
    return options.check && broken ? 1 : 0;
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
    app.add_option("--only", options.only)->check(CLI::IsMember({"receive", "handback"}));
    app.add_option("--json", options.json, "also write the rows to this file");
    app.add_flag("--check", options.check);
    CLI11_PARSE(app, argc, argv);
    if (::geteuid() != 0) {
        std::printf("skipped: needs root\n");
        return 77;
    }
    return gabion::probe::run(options);
}
