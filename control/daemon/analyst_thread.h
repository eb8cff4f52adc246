// SPDX-License-Identifier: Apache-2.0
// The thread that judges: every 20 ms it takes the workers' full slots, lets the analyst judge, and puts what was decided on lock-free
// queues for the control thread. Workers never wait for it; it never waits for the control thread (what does not fit the
// queues is counted and comes again with the next judgement, since a cause that lasts is judged anew).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "dataplane/detect/analyst.h"
#include "dataplane/detect/key.h"
#include "dataplane/detect/settings.h"
#include "dataplane/detect/verdict.h"

namespace gabion::detect {
class Observer;
}

namespace gabion::daemon {

class AnalystThread {
public:
    // `on_decided` is called on the analyst's thread whenever something was put on the queues.
    AnalystThread(const detect::Settings& settings, const detect::HashKey& hash, std::function<void()> on_decided);
    ~AnalystThread();
    AnalystThread(const AnalystThread&) = delete;
    AnalystThread& operator=(const AnalystThread&) = delete;

    void start();
    void stop();

    // An observer's slots are taken from attach to detach; it must live as long.
    void attach(detect::Observer* observer);
    void detach(detect::Observer* observer);

    // Control thread: empties the queues.
    void drain(std::vector<detect::Verdict>& verdicts, std::vector<detect::Notice>& notices);

    // Asks or tells the analyst something, between two judgements. Keep it short: the next judgement waits.
    template <typename Function>
    auto with(Function&& function) {
        const std::lock_guard lock(analyst_mutex_);
        return function(analyst_);
    }

    [[nodiscard]] std::uint64_t overflowed() const noexcept { return overflowed_.load(std::memory_order_relaxed); }

private:
    struct Queues;

    void run();
    void take_slots();
    bool publish(const detect::Judgement& judgement);

    static constexpr std::chrono::milliseconds period_{20};

    std::mutex analyst_mutex_;
    detect::Analyst analyst_;
    std::mutex observers_mutex_;
    std::vector<detect::Observer*> observers_;
    std::unique_ptr<Queues> queues_;
    std::function<void()> on_decided_;
    std::atomic<std::uint64_t> overflowed_{0};
    std::mutex stop_mutex_;
    std::condition_variable stop_wake_;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace gabion::daemon
