// SPDX-License-Identifier: Apache-2.0
#include "perf/worker_loops.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <span>
#include <thread>

#include "dataplane/core/clock.h"
#include "dataplane/detect/observer.h"
#include "dataplane/worker/credit.h"
#include "dataplane/worker/look.h"
#include "dataplane/worker/pipe.h"
#include "dataplane/worker/thinning.h"
#include "dataplane/worker/worker.h"

namespace gabion::probe {
namespace {

constexpr std::uint32_t batch_packets = 64;

std::uint64_t cpu_ns(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

using Frames = std::span<const std::span<const std::uint8_t>>;

// Receives for a while. `batch` gets the frames of each batch and the time; then they go back to the fill ring.
template <typename Batch>
Measured receive(Bed& bed, double seconds, Batch batch) {
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
    const auto end = began + static_cast<std::uint64_t>(seconds * 1e9);
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
Measured work(Bed& bed, double seconds, Observing& observer) {
    gabion_worker_counters counters{};
    worker::Thinning thinning(1);
    return receive(bed, seconds, [&](Frames frames, std::uint64_t now) {
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

// Gives every packet back as the worker does, and does nothing else.
Measured bare_handback(Bed& bed, double seconds) {
    const net::HandBack hand_back = bed.open_hand_back();
    const worker::WorkerConfig config = bed.worker_config(0, hand_back);
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
    const auto end = began + static_cast<std::uint64_t>(seconds * 1e9);
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
Measured whole_worker(Bed& bed, double seconds) {
    const net::HandBack hand_back = bed.open_hand_back();
    Watched observer(detect::ObserverParts{});
    auto worker = worker::Worker<Watched>::open(bed.worker_config(0, hand_back), observer);
    if (!worker) fail(worker.error().text);
    const std::uint64_t received = bed.state().workers[0].received;
    std::uint64_t cpu = 0;
    std::thread thread([&] {
        const std::uint64_t before = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
        if (auto ran = (*worker)->run(); !ran) fail(ran.error().text);
        cpu = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - before;
    });
    ::poll(nullptr, 0, static_cast<int>(seconds * 1e3));
    (*worker)->stop();
    thread.join();
    Measured result{bed.state().workers[0].received - received, 0};
    result.ns = static_cast<double>(cpu) / static_cast<double>(std::max<std::uint64_t>(1, result.packets));
    return result;
}

}  // namespace

Measured run_kind(Bed& bed, double seconds, const std::string& kind) {
    if (kind == bare) return receive(bed, seconds, [](Frames, std::uint64_t) {});
    if (kind == bare_read) {
        unsigned sum = 0;
        return receive(bed, seconds, [&](Frames frames, std::uint64_t) {
            for (const auto& frame : frames)
                sum += frame[12];
            asm volatile("" : : "r"(sum));
        });
    }
    if (kind == bare_back) return bare_handback(bed, seconds);
    if (kind == whole) return whole_worker(bed, seconds);
    if (kind == unobserved) {
        worker::NullObserver observer;
        return work(bed, seconds, observer);
    }
    Watched observer(detect::ObserverParts{});
    return work(bed, seconds, observer);
}

}  // namespace gabion::probe
