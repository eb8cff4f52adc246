// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace gabion::daemon {
namespace {

constexpr int events_per_round = 64;

epoll_event event_for(int fd, std::uint32_t events, std::uint32_t generation) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = (std::uint64_t{generation} << 32) | static_cast<std::uint32_t>(fd);
    return event;
}

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
    std::unique_ptr<EventLoop> loop(new EventLoop);
    loop->epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!loop->epoll_) return error_from_errno(errno, "making an epoll instance");
    loop->wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!loop->wake_) return error_from_errno(errno, "making an eventfd");
    EventLoop* self = loop.get();
    auto watched = loop->watch(loop->wake_.get(), EPOLLIN, [self](std::uint32_t) {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = ::read(self->wake_.get(), &count, sizeof count);
        self->run_posted();
    });
    if (!watched) return watched.error();
    return loop;
}

EventLoop::~EventLoop() = default;

Result<void> EventLoop::watch(int fd, std::uint32_t events, OnReady on_ready) {
    auto watch = std::make_shared<Watch>(Watch{next_generation_++, std::move(on_ready)});
    epoll_event event = event_for(fd, events, watch->generation);
    const int operation = watches_.contains(fd) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (::epoll_ctl(epoll_.get(), operation, fd, &event) != 0) return error_from_errno(errno, "watching a descriptor");
    watches_[fd] = std::move(watch);
    return {};
}

Result<void> EventLoop::change(int fd, std::uint32_t events) {
    const auto found = watches_.find(fd);
    if (found == watches_.end()) return Error{"changing a descriptor that is not watched", ENOENT};
    epoll_event event = event_for(fd, events, found->second->generation);
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0)
        return error_from_errno(errno, "watching a descriptor");
    return {};
}

void EventLoop::forget(int fd) noexcept {
    if (watches_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

EventLoop::TimerId EventLoop::after(std::chrono::milliseconds delay, Work work) {
    const TimerId id = next_timer_++;
    timers_[id] = std::make_shared<Timer>(Timer{std::chrono::milliseconds(0), std::move(work)});
    due_.emplace(Clock::now() + delay, id);
    return id;
}

EventLoop::TimerId EventLoop::every(std::chrono::milliseconds period, Work work) {
    const TimerId id = after(period, std::move(work));
    timers_[id]->period = std::max(period, std::chrono::milliseconds(1));
    return id;
}

void EventLoop::cancel(TimerId timer) noexcept { timers_.erase(timer); }

Result<void> EventLoop::on_signals(std::initializer_list<int> signals, std::function<void(int)> handler) {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : signals)
        ::sigaddset(&set, signal);
    if (const int code = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); code != 0)
        return error_from_errno(code, "blocking signals");
    if (signals_) forget(signals_.get());
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) return error_from_errno(errno, "making a signalfd");
    return watch(signals_.get(), EPOLLIN, [this, handler = std::move(handler)](std::uint32_t) {
        signalfd_siginfo info{};
        while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info))
            handler(static_cast<int>(info.ssi_signo));
    });
}

void EventLoop::defer(Work work) { deferred_.push_back(std::move(work)); }

void EventLoop::post(Work work) {
    {
        const std::lock_guard lock(posted_mutex_);
        posted_.push_back(std::move(work));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void EventLoop::stop() noexcept {
    {
        const std::lock_guard lock(posted_mutex_);
        stop_ = true;
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void EventLoop::run_posted() {
    std::vector<Work> round;
    {
        const std::lock_guard lock(posted_mutex_);
        round.swap(posted_);
    }
    for (Work& work : round)
        work();
}

void EventLoop::run_deferred() {
    std::vector<Work> round;
    round.swap(deferred_);
    for (Work& work : round)
        work();
}

void EventLoop::run_timers() {
    const auto now = Clock::now();
    while (!due_.empty() && due_.top().first <= now) {
        const auto [at, id] = due_.top();
        due_.pop();
        const auto found = timers_.find(id);
        if (found == timers_.end()) continue;
        const std::shared_ptr<Timer> timer = found->second;
        if (timer->period.count() > 0)
            due_.emplace(std::max(at + timer->period, now), id);
        else
            timers_.erase(found);
        timer->work();
    }
}

// Until the next timer, rounded up so that the loop does not spin in the millisecond before it.
int EventLoop::wait_ms() {
    if (!deferred_.empty()) return 0;
    while (!due_.empty() && !timers_.contains(due_.top().second))
        due_.pop();
    if (due_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_.top().first - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

Result<void> EventLoop::wait_and_dispatch() {
    std::array<epoll_event, events_per_round> ready{};
    const int count = ::epoll_wait(epoll_.get(), ready.data(), events_per_round, wait_ms());
    if (count < 0) return errno == EINTR ? Result<void>{} : Result<void>(error_from_errno(errno, "waiting for events"));
    for (int i = 0; i < count; ++i) {
        const auto found = watches_.find(static_cast<int>(ready[i].data.u64 & 0xffffffffu));
        if (found == watches_.end() || found->second->generation != ready[i].data.u64 >> 32) continue;
        const std::shared_ptr<Watch> watch = found->second;
        watch->on_ready(ready[i].events);
    }
    return {};
}

Result<void> EventLoop::run() {
    while (true) {
        {
            const std::lock_guard lock(posted_mutex_);
            if (std::exchange(stop_, false)) return {};
        }
        if (auto done = wait_and_dispatch(); !done) return done;
        run_timers();
        run_deferred();
    }
}

}  // namespace gabion::daemon
