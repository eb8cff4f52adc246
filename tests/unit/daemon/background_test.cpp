// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/background.h"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "control/daemon/event_loop.h"

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;

TEST(Background, TheJobRunsElsewhereAndBehindOthersAndTheRestInTheLoop) {
    const auto loop = *EventLoop::create();
    Background background(*loop);
    const auto here = std::this_thread::get_id();
    std::thread::id job, then;
    int niceness = 0, rounds_meanwhile = 0;
    std::atomic<bool> go{false};
    EXPECT_FALSE(background.busy());
    background.run(
        [&] {
            job = std::this_thread::get_id();
            niceness = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()));
            while (!go)
                std::this_thread::sleep_for(1ms);
        },
        [&] {
            then = std::this_thread::get_id();
            loop->stop();
        });
    EXPECT_TRUE(background.busy());
    loop->every(1ms, [&] { go = ++rounds_meanwhile >= 5; });
    ASSERT_TRUE(loop->run());
    EXPECT_NE(job, here);
    EXPECT_EQ(then, here);
    EXPECT_EQ(niceness, 1);
    EXPECT_GE(rounds_meanwhile, 5) << "the loop went on while the job was not done";
    EXPECT_FALSE(background.busy());
}

TEST(Background, WhoGoesWaitsForTheJobAndForgetsTheRest) {
    const auto loop = *EventLoop::create();
    bool done = false, told = false;
    {
        Background background(*loop);
        background.run(
            [&] {
                std::this_thread::sleep_for(30ms);
                done = true;
            },
            [&] { told = true; });
    }
    EXPECT_TRUE(done);
    loop->after(10ms, [&] { loop->stop(); });
    ASSERT_TRUE(loop->run());
    EXPECT_FALSE(told);
}

}  // namespace
}  // namespace gabion::daemon
