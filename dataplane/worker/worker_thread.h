// SPDX-License-Identifier: Apache-2.0
// A worker on a thread of its own, pinned to one CPU. Stops in order and joins when it dies.
#pragma once

#include <pthread.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "dataplane/core/result.h"
#include "dataplane/worker/placement.h"
#include "dataplane/worker/worker.h"

namespace gabion::worker {

template <Observer Observing>
class WorkerThread {
public:
    WorkerThread(std::unique_ptr<Worker<Observing>> worker, unsigned cpu) : worker_(std::move(worker)), cpu_(cpu) {
        std::packaged_task<Result<void>()> task([this] { return body(); });
        end_ = task.get_future();
        thread_ = std::thread(std::move(task));
    }
    WorkerThread(const WorkerThread&) = delete;
    WorkerThread& operator=(const WorkerThread&) = delete;
    ~WorkerThread() {
        worker_->stop();
        thread_.join();
    }

    [[nodiscard]] Worker<Observing>& worker() noexcept { return *worker_; }
    [[nodiscard]] unsigned cpu() const noexcept { return cpu_; }

    // Waits until the worker takes packets; its error when it cannot.
    Result<void> started() {
        while (!worker_->alive()) {
            if (end_.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready) return end_.get();
        }
        return {};
    }

private:
    Result<void> body() {
        ::pthread_setname_np(::pthread_self(), ("gabion-q" + std::to_string(worker_->queue())).c_str());
        if (auto pinned = pin_this_thread(cpu_); !pinned) return pinned.error();
        return worker_->run();
    }

    std::unique_ptr<Worker<Observing>> worker_;
    unsigned cpu_;
    std::future<Result<void>> end_;
    std::thread thread_;
};

}  // namespace gabion::worker
