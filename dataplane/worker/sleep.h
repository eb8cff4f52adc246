// SPDX-License-Identifier: Apache-2.0
// How a worker waits: for the first packet, for a word from outside, for a time.
#pragma once

#include "dataplane/core/fd.h"
#include "dataplane/core/result.h"

namespace gabion::worker {

class Sleep {
public:
    static Result<Sleep> create();

    // Until `packets_fd` is readable, wake() was called, or the time is over.
    void until(int packets_fd, int timeout_ms) const noexcept;
    // Lets others who wait for this CPU go first.
    static void yield() noexcept;
    // From any thread.
    void wake() const noexcept;

private:
    explicit Sleep(UniqueFd fd) noexcept : event_(std::move(fd)) {}
    UniqueFd event_;
};

}  // namespace gabion::worker
