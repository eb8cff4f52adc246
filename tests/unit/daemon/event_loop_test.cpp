// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/event_loop.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;

struct Pair {
    Pair() {
        int fds[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        near.reset(fds[0]);
        far.reset(fds[1]);
    }
    UniqueFd near, far;
};

TEST(EventLoop, RunsTimersInTheOrderOfTheirTime) {
    auto loop = *EventLoop::create();
    std::string order;
    loop->after(20ms, [&] { order += 'b'; });
    loop->after(1ms, [&] { order += 'a'; });
    const auto cancelled = loop->after(5ms, [&] { order += 'x'; });
    loop->cancel(cancelled);
    loop->after(40ms, [&] { loop->stop(); });
    ASSERT_TRUE(loop->run());
    EXPECT_EQ(order, "ab");
}

TEST(EventLoop, APeriodicTimerRepeatsUntilItCancelsItself) {
    auto loop = *EventLoop::create();
    int count = 0;
    EventLoop::TimerId timer = 0;
    timer = loop->every(1ms, [&] {
        if (++count == 5) {
            loop->cancel(timer);
            loop->after(20ms, [&] { loop->stop(); });
        }
    });
    ASSERT_TRUE(loop->run());
    EXPECT_EQ(count, 5);
}

TEST(EventLoop, AForgottenDescriptorIsNotCalledEvenInTheSameRound) {
    auto loop = *EventLoop::create();
    Pair one, two;
    int calls = 0;
    const auto forget_the_other = [&](int mine, int other) {
        return [&, mine, other](std::uint32_t) {
            ++calls;
            char byte = 0;
            ASSERT_EQ(::read(mine, &byte, 1), 1);
            loop->forget(other);
        };
    };
    ASSERT_TRUE(loop->watch(one.near.get(), EPOLLIN, forget_the_other(one.near.get(), two.near.get())));
    ASSERT_TRUE(loop->watch(two.near.get(), EPOLLIN, forget_the_other(two.near.get(), one.near.get())));
    ASSERT_EQ(::write(one.far.get(), "x", 1), 1);
    ASSERT_EQ(::write(two.far.get(), "x", 1), 1);
    loop->after(20ms, [&] { loop->stop(); });
    ASSERT_TRUE(loop->run());
    EXPECT_EQ(calls, 1);
}

TEST(EventLoop, TakesWorkFromOtherThreads) {
    auto loop = *EventLoop::create();
    constexpr int count = 10'000;
    int done = 0;
    std::thread other([&] {
        for (int i = 0; i < count; ++i)
            loop->post([&] { ++done; });
        loop->post([&] { loop->stop(); });
    });
    ASSERT_TRUE(loop->run());
    other.join();
    EXPECT_EQ(done, count);
}

TEST(EventLoop, DefersToTheNextRound) {
    auto loop = *EventLoop::create();
    std::string order;
    loop->defer([&] {
        order += '1';
        loop->defer([&] {
            order += '2';
            loop->stop();
        });
    });
    ASSERT_TRUE(loop->run());
    EXPECT_EQ(order, "12");
}

TEST(EventLoop, DeliversSignals) {
    auto loop = *EventLoop::create();
    int got = 0;
    ASSERT_TRUE(loop->on_signals({SIGUSR1}, [&](int signal) {
        got = signal;
        loop->stop();
    }));
    ::kill(::getpid(), SIGUSR1);
    ASSERT_TRUE(loop->run());
    EXPECT_EQ(got, SIGUSR1);
}

}  // namespace
}  // namespace gabion::daemon
