// SPDX-License-Identifier: Apache-2.0
// One worker: takes what the program hands over from one receive queue, lets the detectors look at it, and gives every packet back but
// those that the program has judged already: these were only to be looked at, and are dropped. One thread runs it, pinned; nothing is
// shared. The packet path makes no system call, reads no clock and allocates nothing: that happens once a batch. A packet is released,
// that is, its credit is free again, when the stack has taken it; one that is dropped, at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "bpf/abi/queue.h"
#include "bpf/lib/count.h"
#include "dataplane/core/clock.h"
#include "dataplane/core/result.h"
#include "dataplane/worker/checksum.h"
#include "dataplane/worker/counters.h"
#include "dataplane/worker/credit.h"
#include "dataplane/worker/leak_watch.h"
#include "dataplane/worker/look.h"
#include "dataplane/worker/observer.h"
#include "dataplane/worker/pipe.h"
#include "dataplane/worker/sleep.h"
#include "dataplane/worker/thinning.h"

namespace gabion::worker {

inline constexpr std::uint32_t batch_packets = 64;
// Longest sleep: with frames on their way out; with something for the next window, or a claim unanswered; with nothing at all.
inline constexpr int sleep_outstanding_ms = 1;
inline constexpr int sleep_window_ms = 20;
inline constexpr int sleep_idle_ms = 1000;
inline constexpr std::uint64_t busy_wait_ns = 200'000;
// An orderly stop waits this long for claims that are under way, and as long again for transmits.
inline constexpr std::uint64_t drain_ns = 50'000'000;

struct WorkerConfig {
    PipeConfig pipe;
    int xskmap_fd = -1;
    gabion_queue* queue = nullptr;               // of this receive queue, mapped
    gabion_worker_counters* counters = nullptr;  // likewise
    bool busy_wait = false;                      // to look for packets for busy_wait_ns before it sleeps
};

template <Observer Observing>
class Worker {
public:
    // Opens the sockets; packets come from run() on. `observer` outlives the worker.
    static Result<std::unique_ptr<Worker>> open(const WorkerConfig& config, Observing& observer) {
        auto pipe = Pipe::open(config.pipe);
        if (!pipe) return pipe.error();
        auto sleep = Sleep::create();
        if (!sleep) return sleep.error();
        return std::unique_ptr<Worker>(new Worker(config, std::move(*pipe), std::move(*sleep), observer));
    }

    // Takes packets until stop() is called, then gives back all that it holds. On the worker's thread.
    Result<void> run() {
        const std::uint32_t mtu = config_.pipe.mtu;
        credit_.close();
        credit_.begin(xsk::frame_bytes_max_for(mtu));
        if (auto entered = pipe_.receiver().enter(config_.xskmap_fd); !entered) return entered.error();
        credit_.open(config_.pipe.credit);
        alive_.store(true, std::memory_order_relaxed);
        while (!stop_.load(std::memory_order_relaxed)) {
            const std::uint64_t now_ns = monotonic_now_ns();
            if (round(now_ns))
                worked_ns_ = now_ns;
            else
                rest(now_ns);
        }
        drain();
        alive_.store(false, std::memory_order_relaxed);
        return {};
    }

    // From any thread.
    void stop() noexcept {
        stop_.store(true, std::memory_order_relaxed);
        sleep_.wake();
    }

    [[nodiscard]] std::uint32_t queue() const noexcept { return config_.pipe.queue; }
    [[nodiscard]] bool alive() const noexcept { return alive_.load(std::memory_order_relaxed); }
    // The private pair is down or gone: the worker must be opened anew over another one.
    [[nodiscard]] bool blocked() const noexcept { return blocked_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool zero_copy() const noexcept { return pipe_.receiver().zero_copy(); }
    [[nodiscard]] xsk::Statistics statistics() const noexcept { return pipe_.receiver().statistics(); }

private:
    Worker(const WorkerConfig& config, Pipe pipe, Sleep sleep, Observing& observer)
        : config_(config),
          pipe_(std::move(pipe)),
          sleep_(std::move(sleep)),
          observer_(observer),
          credit_(*config.queue),
          counters_(*config.counters) {}

    // One batch. False when there was nothing to do.
    bool round(std::uint64_t now_ns) noexcept {
        std::uint32_t first = 0, dropped = 0;
        const std::uint32_t reclaimed = reclaim();
        const std::uint32_t count = pipe_.take(batch_packets, first);
        for (std::uint32_t i = 0; i < count; ++i)
            look_ahead(pipe_.umem().frame(pipe_.at(first + i).addr, 0).data());
        thinning_.batch(count, now_ns);
        const bool some_late = count > 0 && is_late(sample_before(bytes_of(first)), now_ns);
        std::uint32_t seen = thinning_.next(0, count);
        for (std::uint32_t i = 0; i < count; ++i) {
            const auto bytes = bytes_of(first + i);
            const bool late = some_late && is_late(sample_before(bytes), now_ns);
            counters_.now.late += late;
            gabion_packet packet;
            const bool sound = read_packet(bytes, packet);
            if (i == seen) {
                if (sound && !late) look(packet, sample_before(bytes), thinning_.one_in(), observer_);
                seen = thinning_.next(i + 1, count);
            }
            if (const std::uint32_t reason = sample_before(bytes).reason; gabion_drops(reason)) {
                pipe_.refill(pipe_.at(first + i).addr);
                counters_.count_drop(reason);
                ++dropped;
                continue;
            }
            if (complete_checksum(bytes, packet)) ++counters_.now.checksums_completed;
            pipe_.pass_on(pipe_.at(first + i));
        }
        pipe_.release(count);
        credit_.release(dropped);
        counters_.now.received += count;
        counters_.now.sent += count - dropped;
        if (pipe_.waiting() > 0) send();
        observer_.housekeeping(now_ns);
        counters_.publish();
        return count + reclaimed > 0;
    }

    [[nodiscard]] std::span<std::uint8_t> bytes_of(std::uint32_t number) noexcept {
        const xdp_desc& frame = pipe_.at(number);
        return pipe_.umem().frame(frame.addr, frame.len);
    }

    std::uint32_t reclaim() noexcept {
        const std::uint32_t count = pipe_.reclaim();
        if (count == 0) return 0;
        counters_.now.completed += count;
        credit_.release(count);
        return count;
    }

    void send() noexcept {
        const std::uint32_t failed = pipe_.kick();
        counters_.now.tx_failed += failed;
        counters_.now.lost += failed;
        blocked_.store(pipe_.blocked(), std::memory_order_relaxed);
    }

    // Nothing came: look again soon, or sleep until something does. `now_ns` is from before the round that found nothing.
    void rest(std::uint64_t now_ns) noexcept {
        pipe_.wake_driver();
        if (config_.busy_wait && now_ns - worked_ns_ < busy_wait_ns) return Sleep::yield();
        const std::uint64_t outstanding = credit_.outstanding();
        if (leak_watch_.settled(credit_.claimed(), outstanding, pipe_.outstanding() > 0, now_ns)) {
            counters_.now.lost += outstanding;
            credit_.release(outstanding);
        }
        int timeout_ms = outstanding > 0 || !observer_.idle() ? sleep_window_ms : sleep_idle_ms;
        if (pipe_.outstanding() > 0) timeout_ms = sleep_outstanding_ms;
        sleep_.until(pipe_.outstanding() < outstanding_max ? pipe_.receiver().fd() : -1, timeout_ms);
    }

    // Orderly stop: no more claims; what was claimed arrives; what was sent completes.
    void drain() noexcept {
        credit_.close();
        xsk::Socket::leave(config_.xskmap_fd, config_.pipe.queue);
        const std::uint64_t began = monotonic_now_ns();
        std::uint64_t now = began;
        for (; now - began < 2 * drain_ns; now = monotonic_now_ns()) {
            const bool moved = round(now);
            const bool arrived = credit_.outstanding() == pipe_.outstanding() || now - began >= drain_ns;
            if (!moved && arrived && pipe_.outstanding() == 0) break;
            if (!moved) sleep_.until(-1, sleep_outstanding_ms);
        }
        counters_.now.lost += credit_.outstanding();
        credit_.release(credit_.outstanding());
        counters_.publish();
    }

    WorkerConfig config_;
    Pipe pipe_;
    Sleep sleep_;
    Observing& observer_;
    Credit credit_;
    Counters counters_;
    Thinning thinning_{static_cast<std::uint32_t>(monotonic_now_ns())};
    LeakWatch leak_watch_;
    std::uint64_t worked_ns_ = 0;  // when there was something to do
    std::atomic<bool> stop_{false};
    std::atomic<bool> alive_{false};
    std::atomic<bool> blocked_{false};
};

}  // namespace gabion::worker
