// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/background.h"

#include <sys/resource.h>
#include <unistd.h>

#include "control/daemon/event_loop.h"

namespace gabion::daemon {

Background::~Background() {
    *alive_ = false;
    if (thread_.joinable()) thread_.join();
}

void Background::run(std::function<void()> job, std::function<void()> then) {
    thread_ = std::thread([this, job = std::move(job), then = std::move(then), alive = alive_] {
        constexpr int niceness = 1;  // gabiond's other threads have -10; much more, and a busy host would let it starve
        static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness));
        job();
        loop_.post([this, then, alive] {
            if (!*alive) return;
            thread_.join();
            then();
        });
    });
}

}  // namespace gabion::daemon
