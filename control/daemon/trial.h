// SPDX-License-Identifier: Apache-2.0
// A start for a limited time (`gabiond --for`): unless it is confirmed in time, everything is taken off again. So it is when the daemon
// dies meanwhile, however that comes: a child process, made before anything is touched, waits for its end and then takes off what it left.
// (A deadline that the programs themselves look at would cost every drop a comparison and leave them on the interface.)
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "control/config/config.h"
#include "dataplane/core/fd.h"
#include "dataplane/core/result.h"

namespace gabion::daemon {

class EventLoop;

class Trial {
public:
    // Makes the child; to be called before there are threads.
    static Result<std::unique_ptr<Trial>> begin(const config::Config& config, std::chrono::milliseconds time);
    // An orderly end, after which there is nothing left for the child to do.
    ~Trial();
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;

    // The time runs from now on. `over` is called when it ends unconfirmed.
    void run(EventLoop& loop, std::function<void()> over);
    // False when it was confirmed before.
    bool confirm();
    [[nodiscard]] bool confirmed() const noexcept { return confirmed_; }
    // Nothing once it is confirmed; at least 0.
    [[nodiscard]] std::optional<std::chrono::seconds> left() const;

private:
    using Clock = std::chrono::steady_clock;

    Trial(std::chrono::milliseconds time, pid_t child, UniqueFd alive);
    void dismiss_child();

    std::chrono::milliseconds time_;
    pid_t child_;
    UniqueFd alive_;  // the child reads its end: a byte is an orderly end, no byte is another
    EventLoop* loop_ = nullptr;
    std::uint64_t timer_ = 0;
    Clock::time_point end_;
    bool confirmed_ = false;
};

}  // namespace gabion::daemon
