// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/sleep.h"

#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>

#include <cstdint>

namespace gabion::worker {

Result<Sleep> Sleep::create() {
    UniqueFd fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!fd) return error_from_errno(errno, "creating a worker's eventfd");
    return Sleep(std::move(fd));
}

void Sleep::until(int packets_fd, int timeout_ms) const noexcept {
    pollfd waits[2] = {{packets_fd, POLLIN, 0}, {event_.get(), POLLIN, 0}};
    ::poll(waits, 2, timeout_ms);
    if ((waits[1].revents & POLLIN) != 0) {
        std::uint64_t count = 0;
        static_cast<void>(::read(event_.get(), &count, sizeof count) < 0);
    }
}

void Sleep::yield() noexcept { ::sched_yield(); }

void Sleep::wake() const noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(::write(event_.get(), &one, sizeof one) < 0);
}

}  // namespace gabion::worker
