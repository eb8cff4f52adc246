// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/lcore_thread.h"

#include <pthread.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include <chrono>
#include <string>
#include <utility>

#include "dataplane/worker/placement.h"

namespace gabion::dpdk {

LcoreThread::LcoreThread(std::unique_ptr<Lcore> lcore, std::uint16_t queue, unsigned cpu)
    : lcore_(std::move(lcore)), queue_(queue), cpu_(cpu) {
    std::packaged_task<Result<void>()> task([this] { return body(); });
    end_ = task.get_future();
    thread_ = std::thread(std::move(task));
}

LcoreThread::~LcoreThread() {
    lcore_->stop();
    thread_.join();
}

Result<void> LcoreThread::started() {
    while (!lcore_->alive())
        if (end_.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready) return end_.get();
    return {};
}

Result<void> LcoreThread::body() {
    ::pthread_setname_np(::pthread_self(), ("gabion-l" + std::to_string(cpu_)).c_str());
    if (auto pinned = worker::pin_this_thread(cpu_); !pinned) return pinned.error();
    if (rte_thread_register() != 0)
        return error_from_errno(rte_errno, "telling DPDK of the thread on CPU " + std::to_string(cpu_));
    lcore_->run();
    rte_thread_unregister();
    return {};
}

}  // namespace gabion::dpdk
