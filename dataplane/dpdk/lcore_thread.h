// SPDX-License-Identifier: Apache-2.0
// An lcore on a thread of its own, pinned to one CPU and known to DPDK, so that it has a cache of packet buffers. Stops in order and
// joins when it dies.
#pragma once

#include <future>
#include <memory>
#include <thread>

#include "dataplane/core/result.h"
#include "dataplane/dpdk/lcore.h"

namespace gabion::dpdk {

class LcoreThread {
public:
    LcoreThread(std::unique_ptr<Lcore> lcore, std::uint16_t queue, unsigned cpu);
    LcoreThread(const LcoreThread&) = delete;
    LcoreThread& operator=(const LcoreThread&) = delete;
    ~LcoreThread();

    // Waits until it takes packets; its error when it cannot.
    Result<void> started();

    [[nodiscard]] std::uint16_t queue() const noexcept { return queue_; }
    [[nodiscard]] unsigned cpu() const noexcept { return cpu_; }
    [[nodiscard]] bool alive() const noexcept { return lcore_->alive(); }

private:
    Result<void> body();

    std::unique_ptr<Lcore> lcore_;
    std::uint16_t queue_;
    unsigned cpu_;
    std::future<Result<void>> end_;
    std::thread thread_;
};

}  // namespace gabion::dpdk
