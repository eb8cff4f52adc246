// SPDX-License-Identifier: Apache-2.0
// Work that takes too long for the control thread and is in no hurry: a job on a thread of its own, behind gabiond's others, and
// then something on the control thread. One job at a time; a job under way is waited for at the end.
#pragma once

#include <functional>
#include <memory>
#include <thread>

namespace gabion::daemon {

class EventLoop;

class Background {
public:
    explicit Background(EventLoop& loop) : loop_(loop) {}
    ~Background();
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

    [[nodiscard]] bool busy() const noexcept { return thread_.joinable(); }
    // Not while busy. `then` runs in the loop, unless this is gone by then.
    void run(std::function<void()> job, std::function<void()> then);

private:
    EventLoop& loop_;
    std::thread thread_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace gabion::daemon
