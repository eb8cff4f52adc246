// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/analyst_thread.h"

#include <pthread.h>

#include <algorithm>

#include <boost/lockfree/spsc_queue.hpp>

#include "dataplane/core/clock.h"
#include "dataplane/detect/observer.h"

namespace gabion::daemon {

struct AnalystThread::Queues {
    boost::lockfree::spsc_queue<detect::Verdict> verdicts{4096};
    boost::lockfree::spsc_queue<detect::Notice> notices{256};
};

AnalystThread::AnalystThread(const detect::Settings& settings, const detect::HashKey& hash,
                             std::function<void()> on_decided)
    : analyst_(settings, hash), queues_(std::make_unique<Queues>()), on_decided_(std::move(on_decided)) {}

AnalystThread::~AnalystThread() { stop(); }

void AnalystThread::start() {
    thread_ = std::thread([this] { run(); });
    ::pthread_setname_np(thread_.native_handle(), "gabion-analyst");
}

void AnalystThread::stop() {
    {
        const std::lock_guard lock(stop_mutex_);
        stop_ = true;
    }
    stop_wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void AnalystThread::attach(detect::Observer* observer) {
    const std::lock_guard lock(observers_mutex_);
    observers_.push_back(observer);
}

void AnalystThread::detach(detect::Observer* observer) {
    const std::lock_guard lock(observers_mutex_);
    std::erase(observers_, observer);
}

void AnalystThread::drain(std::vector<detect::Verdict>& verdicts, std::vector<detect::Notice>& notices) {
    queues_->verdicts.consume_all([&](const detect::Verdict& verdict) { verdicts.push_back(verdict); });
    queues_->notices.consume_all([&](detect::Notice& notice) { notices.push_back(std::move(notice)); });
}

void AnalystThread::take_slots() {
    const std::lock_guard lock(observers_mutex_);
    for (detect::Observer* observer : observers_) {
        while (detect::SlotSummary* slot = observer->take()) {
            analyst_.ingest(*slot);
            observer->give_back(slot);
        }
    }
}

bool AnalystThread::publish(const detect::Judgement& judgement) {
    std::uint64_t refused = 0;
    for (detect::Verdict verdict : judgement.verdicts) {
        verdict.decided_ns = monotonic_now_ns();  // the judgement began some time ago
        refused += queues_->verdicts.push(verdict) ? 0 : 1;
    }
    for (const detect::Notice& notice : judgement.notices)
        refused += queues_->notices.push(notice) ? 0 : 1;
    if (refused != 0) overflowed_.fetch_add(refused, std::memory_order_relaxed);
    return !judgement.verdicts.empty() || !judgement.notices.empty();
}

void AnalystThread::run() {
    auto next = std::chrono::steady_clock::now();
    std::unique_lock stop_lock(stop_mutex_);
    while (!stop_) {
        stop_lock.unlock();
        bool decided = false;
        {
            const std::lock_guard lock(analyst_mutex_);
            take_slots();
            decided = publish(analyst_.judge(monotonic_now_ns()));
        }
        if (decided) on_decided_();
        next = std::max(next + period_, std::chrono::steady_clock::now());
        stop_lock.lock();
        stop_wake_.wait_until(stop_lock, next, [this] { return stop_; });
    }
}

}  // namespace gabion::daemon
