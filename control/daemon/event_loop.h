// SPDX-License-Identifier: Apache-2.0
// The daemon's one control thread: descriptors, timers, signals and work from other threads, in one epoll loop. Only post() and
// stop() may be called from another thread. Callbacks may watch, forget, cancel and stop as they like, themselves included.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <queue>
#include <unordered_map>
#include <vector>

#include "dataplane/core/fd.h"
#include "dataplane/core/result.h"

namespace gabion::daemon {

class EventLoop {
public:
    using Clock = std::chrono::steady_clock;
    using Work = std::function<void()>;
    using OnReady = std::function<void(std::uint32_t events)>;  // EPOLLIN, EPOLLOUT, EPOLLHUP, ...
    using TimerId = std::uint64_t;                              // never 0

    static Result<std::unique_ptr<EventLoop>> create();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    // Calls `on_ready` while any of `events` holds (level-triggered). The descriptor stays the caller's, who forgets it before
    // it is closed.
    Result<void> watch(int fd, std::uint32_t events, OnReady on_ready);
    Result<void> change(int fd, std::uint32_t events);
    void forget(int fd) noexcept;

    TimerId after(std::chrono::milliseconds delay, Work work);
    TimerId every(std::chrono::milliseconds period, Work work);  // late rounds are skipped, not made up for
    void cancel(TimerId timer) noexcept;

    // Blocks the signals for the calling thread and those that it starts later, so call it before there are others.
    Result<void> on_signals(std::initializer_list<int> signals, std::function<void(int signal)> handler);

    // Runs `work` in the next round, after what is ready now.
    void defer(Work work);

    // Like defer(), from any thread.
    void post(Work work);

    // Runs until stop(). An error means that the loop cannot go on at all.
    Result<void> run();
    void stop() noexcept;

private:
    struct Watch {
        std::uint32_t generation = 0;  // tells a descriptor's present watch from events of an earlier one
        OnReady on_ready;
    };
    struct Timer {
        std::chrono::milliseconds period{0};  // 0: once
        Work work;
    };
    using Due = std::pair<Clock::time_point, TimerId>;

    EventLoop() = default;
    void run_timers();
    void run_deferred();
    void run_posted();
    [[nodiscard]] int wait_ms();
    Result<void> wait_and_dispatch();

    UniqueFd epoll_;
    UniqueFd wake_;
    UniqueFd signals_;
    std::unordered_map<int, std::shared_ptr<Watch>> watches_;
    std::uint32_t next_generation_ = 1;
    std::unordered_map<TimerId, std::shared_ptr<Timer>> timers_;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    TimerId next_timer_ = 1;
    std::vector<Work> deferred_;
    std::mutex posted_mutex_;
    std::vector<Work> posted_;
    bool stop_ = false;  // guarded by posted_mutex_
};

}  // namespace gabion::daemon
