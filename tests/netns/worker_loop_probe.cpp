// SPDX-License-Identifier: Apache-2.0
// What a worker's loop asks of the system while packets go through it, detectors and all: no memory, and no system call but the ones that
// serve a whole batch (transmit, sleep). Prints TAP.
//
//   worker_loop_probe TOOLS     TOOLS: the folder of gbn-send
#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jemalloc/jemalloc.h>

#include "dataplane/detect/observer.h"
#include "dataplane/worker/placement.h"
#include "dataplane/worker/worker.h"
#include "tests/netns/handover_bed.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include "loop_watch.skel.h"
#pragma GCC diagnostic pop

namespace gabion::probe {
namespace {

constexpr char thread_name[] = "gbn-loop";
constexpr std::uint32_t syscalls_max = 512;

using Calls = std::array<std::uint64_t, syscalls_max>;

class CallWatch {
public:
    CallWatch() : skeleton_(loop_watch_bpf__open()) {
        if (skeleton_ == nullptr) fail("the watching program does not open");
        std::memcpy(const_cast<char*>(skeleton_->rodata->thread_name), thread_name, sizeof thread_name);
        if (loop_watch_bpf__load(skeleton_) != 0 || loop_watch_bpf__attach(skeleton_) != 0)
            fail("the watching program does not load");
    }
    CallWatch(const CallWatch&) = delete;
    CallWatch& operator=(const CallWatch&) = delete;
    ~CallWatch() { loop_watch_bpf__destroy(skeleton_); }

    [[nodiscard]] Calls read() const {
        Calls calls{};
        for (std::uint32_t number = 0; number < syscalls_max; ++number)
            bpf_map__lookup_elem(skeleton_->maps.calls, &number, sizeof number, &calls[number], sizeof calls[number],
                                 0);
        return calls;
    }

private:
    loop_watch_bpf* skeleton_;
};

// A worker with real detectors on a thread of its own; the counter of the memory that the thread has asked for.
class Loop {
public:
    explicit Loop(Bed& bed) : hand_back_(bed.open_hand_back()), observer_(detect::HashKey{1, 2}) {
        auto opened = worker::Worker<detect::Observer>::open(bed.worker_config(0, hand_back_), observer_);
        if (!opened) fail(opened.error().text);
        worker_ = std::move(*opened);
        thread_ = std::thread([this] { body(); });
        while (!worker_->alive())
            ::poll(nullptr, 0, 1);
    }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop() {
        worker_->stop();
        thread_.join();
    }

    [[nodiscard]] std::uint64_t allocated() const { return __atomic_load_n(allocated_.load(), __ATOMIC_RELAXED); }

    // As the analyst does.
    void take_summaries() {
        while (auto* slot = observer_.take())
            observer_.give_back(slot);
    }

private:
    void body() {
        std::uint64_t* place = nullptr;
        std::size_t bytes = sizeof place;
        if (::mallctl("thread.allocatedp", &place, &bytes, nullptr, 0) != 0) fail("this malloc does not count");
        allocated_.store(place);
        ::pthread_setname_np(::pthread_self(), thread_name);
        if (auto pinned = worker::pin_this_thread(worker::usable_cpus().back()); !pinned) fail(pinned.error().text);
        if (auto ran = worker_->run(); !ran) fail(ran.error().text);
    }

    net::HandBack hand_back_;
    detect::Observer observer_;
    std::unique_ptr<worker::Worker<detect::Observer>> worker_;
    std::atomic<std::uint64_t*> allocated_{nullptr};
    std::thread thread_;
};

// Until the workers have received `packets` in all, or nothing more can be coming.
bool watch_until(Loop& loop, const Bed& bed, std::uint64_t packets) {
    constexpr int patience_ms = 10'000, step_ms = 5;
    for (int waited = 0; bed.workers().received < packets; waited += step_ms) {
        if (waited >= patience_ms) return false;
        ::poll(nullptr, 0, step_ms);
        loop.take_summaries();
    }
    return true;
}

struct Asked {
    std::uint64_t packets, bytes, batch_calls, other_calls;
};

Asked asked_between(const Calls& before, const Calls& after, std::uint64_t packets, std::uint64_t bytes) {
    Asked asked{packets, bytes, 0, 0};
    for (std::uint32_t number = 0; number < syscalls_max; ++number) {
        const std::uint64_t count = after[number] - before[number];
        const bool of_batch = number == SYS_sendto || number == SYS_poll || number == SYS_recvfrom;
        (of_batch ? asked.batch_calls : asked.other_calls) += count;
        if (count > 0) std::printf("# system call %u: %llu\n", number, static_cast<unsigned long long>(count));
    }
    return asked;
}

// Counts in packets, not in time: how soon the sender starts and how much of its rate arrives are the machine's affair.
bool try_rate(const std::string& tools, unsigned rate, std::size_t number) {
    constexpr std::uint64_t settling = 1'000, watched = 8'000;
    Bed bed({true, 1});
    const CallWatch watch;
    Loop loop(bed);
    Child sender =
        bed.start_on(worker::usable_cpus().front(), true,
                     {tools + "/gbn-send", "--interface", "wan0", "--to-mac", bed.host_mac(), "--source", "10.77.0.2",
                      "--destination", "10.77.0.1", "--rate", std::to_string(rate), "--seconds", "2"});
    bool arrived = watch_until(loop, bed, settling);
    const std::uint64_t bytes = loop.allocated(), packets = bed.workers().received;
    const Calls before = watch.read();
    arrived = arrived && watch_until(loop, bed, packets + watched);
    const Calls after = watch.read();
    const Asked asked = asked_between(before, after, bed.workers().received - packets, loop.allocated() - bytes);
    sender.finish();
    const bool holds = arrived && asked.bytes == 0 && asked.other_calls == 0 && asked.batch_calls > 0;
    std::printf(
        "%s %zu - no memory and no system call a packet at %u packets a second: %llu packets, %llu bytes, "
        "%llu calls for batches, %llu others\n",
        holds ? "ok" : "not ok", number, rate, static_cast<unsigned long long>(asked.packets),
        static_cast<unsigned long long>(asked.bytes), static_cast<unsigned long long>(asked.batch_calls),
        static_cast<unsigned long long>(asked.other_calls));
    std::fflush(stdout);
    return holds;
}

int run(const std::string& tools) {
    constexpr std::array<unsigned, 2> rates{20'000, 400'000};
    std::printf("1..%zu\n", rates.size());
    bool failed = false;
    for (std::size_t i = 0; i < rates.size(); ++i)
        failed |= !try_rate(tools, rates[i], i + 1);
    return failed ? 1 : 0;
}

}  // namespace
}  // namespace gabion::probe

int main(int argc, char** argv) {
    if (::geteuid() != 0) {
        std::puts("1..0 # SKIP needs root");
        return 0;
    }
    if (argc != 2) return 2;
    return gabion::probe::run(argv[1]);
}
