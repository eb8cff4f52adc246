// SPDX-License-Identifier: Apache-2.0
// The workers of an interface: one for each receive queue, and their way back.
#include <algorithm>
#include <chrono>
#include <thread>

#include "control/daemon/analyst_thread.h"
#include "control/daemon/flow_view.h"
#include "control/daemon/keeper.h"
#include "control/daemon/protected_interface.h"
#include "dataplane/net/offload.h"

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;

// The kernel lets go of a closed socket's queue a moment later, by a work item (xp_put_pool()). Until then it says `meanwhile` to whoever
// wants the queue. Half a second in all: this is the control thread.
template <typename Attempt>
auto until_let_go(int meanwhile, Attempt attempt) {
    for (auto pause = 1ms;; pause *= 2) {
        auto done = attempt();
        if (done || done.error().code != meanwhile || pause > 256ms) return done;
        std::this_thread::sleep_for(pause);
    }
}

}  // namespace

void ProtectedInterface::hand_over_off(const std::string& why) {
    std::string note = "hand-over is off";
    if (!running_.empty()) {
        note += " on " + std::to_string(queues_ - running_.size()) + " of " + std::to_string(queues_) + " queues";
    }
    note += ": " + why;
    if (note == handover_note_) return;
    handover_note_ = std::move(note);
    surroundings_.tell("handover-off", settings_.name + ": " + handover_note_);
}

Result<void> ProtectedInterface::start_worker(std::uint32_t queue, unsigned cpu, const net::Link& link, bool patient) {
    Running running;
    running.observer = std::make_unique<detect::Observer>(surroundings_.hash);
    running.observer->set_flow_lookup(FlowView::look_up, &surroundings_.flows);
    worker::WorkerConfig config;
    config.pipe = {.interface = link.name,
                   .queue = queue,
                   .way_out = way_back_,
                   .out_queue = queue,
                   .mark = own_mark,
                   .mtu = link.mtu,
                   .credit = settings_.credit};
    config.xskmap_fd = own_->fd("xsks");
    config.queue = &own_->values<gabion_queue>("queues")[queue];
    config.counters = &own_->values<gabion_worker_counters>("workers")[queue];
    const auto open = [&] { return DetectingWorker::open(config, *running.observer); };
    auto opened = patient ? until_let_go(EBUSY, open) : open();
    if (!opened) return opened.error();
    running.thread = std::make_unique<worker::WorkerThread<detect::Observer>>(std::move(*opened), cpu);
    surroundings_.analyst.attach(running.observer.get());
    auto started = running.thread->started();
    if (started)
        running_.push_back(std::move(running));
    else
        surroundings_.analyst.detach(running.observer.get());
    return started;
}

// Where workers transmit: the private pair, or the other port. How many queues that has for them.
Result<std::uint32_t> ProtectedInterface::open_way_back(const net::Link& link) {
    if (inside_) {
        if (!inside_->present()) return Error{inside_->name() + " is away", ENODEV};
        way_back_ = inside_->link()->name;
        return net::tx_queue_count(*inside_->link());
    }
    const auto before = net::prepare_offloads(link);
    if (!before) return before.error();
    surroundings_.keeper.remember_offloads(settings_.name, *before);
    const auto obstacle = net::handover_obstacle(link);
    if (!obstacle) return obstacle.error();
    if (*obstacle) return Error{**obstacle, ENOTSUP};
    auto hand_back = net::HandBack::open(link, queues_, xsk::chunk_bytes_for(link.mtu),
                                         {stage_->handback_fd(), stage_->foreign_fd()});
    if (!hand_back) return hand_back.error();
    hand_back_.emplace(std::move(*hand_back));
    way_back_ = hand_back_->interface();
    return queues_;
}

// Each queue for itself: what one cannot have (another program's socket is on it) is no reason to be blind on the others.
Result<void> ProtectedInterface::start_missing(const net::Link& link) {
    const auto cpus = worker::place(queues_, settings_.worker_cpus, worker::isolated_cpus(), worker::usable_cpus());
    Result<void> outcome;
    for (std::uint32_t queue = 0; queue < workers_wanted(); ++queue) {
        const bool runs = std::any_of(running_.begin(), running_.end(), [queue](const Running& running) {
            return running.thread->worker().queue() == queue;
        });
        if (runs) continue;
        // Who waited for one queue in vain does not wait for the next.
        const bool patient = static_cast<bool>(outcome);
        if (auto started = start_worker(queue, cpus[queue], link, patient); !started) outcome = started.error();
    }
    std::sort(running_.begin(), running_.end(), [](const Running& one, const Running& other) {
        return one.thread->worker().queue() < other.thread->worker().queue();
    });
    if (outcome && ways_ < queues_)
        return Error{way_back_ + " sends on " + std::to_string(ways_) + ", " + link.name + " receives on " +
                         std::to_string(queues_) + "; give both ports as many (gabion reload --channels)",
                     ENOTSUP};
    return outcome;
}

Result<void> ProtectedInterface::start_workers(const net::Link& link) {
    queues_ = net::rx_queue_count(link);
    ways_ = 0;
    // Without notes of the host's own flows a quarantine would cut off the answers to its queries: then no detector, but bans.
    if (noting_error_) return *noting_error_;
    const auto ways = open_way_back(link);
    if (!ways) return ways.error();
    ways_ = *ways;
    return start_missing(link);
}

void ProtectedInterface::stop_workers() {
    for (const Running& running : running_)
        running.thread->worker().stop();
    for (const Running& running : running_)
        surroundings_.analyst.detach(running.observer.get());
    running_.clear();
    hand_back_.reset();
}

void ProtectedInterface::restart_workers() {
    stop_workers();
    if (link() == nullptr) return;
    const net::Link now = *link();
    look_at_vlans(now);
    if (auto started = start_workers(now); !started)
        hand_over_off(started.error().text);
    else
        handover_note_.clear();
}

// Queues that came or went, here or where the workers transmit. The kernel tells nobody, so this is asked every second.
bool ProtectedInterface::follow_queues() {
    if (link() == nullptr) return false;
    const std::uint32_t now = net::rx_queue_count(*link());
    const std::uint32_t ways =
        inside_ && inside_->present() && ways_ > 0 ? net::tx_queue_count(*inside_->link()) : ways_;
    if (now == queues_ && ways == ways_) return false;
    surroundings_.tell("queues-changed", settings_.name + " receives on " + std::to_string(now) +
                                             (now == 1 ? " queue; it was " : " queues; they were ") +
                                             std::to_string(queues_));
    restart_workers();
    return true;
}

// A count that one of the ports cannot have changes none of them.
Result<bool> ProtectedInterface::change_channels(std::uint32_t count) {
    if (link() == nullptr) return Error{settings_.name + " is away", ENODEV};
    if (inside_ && !inside_->present()) return Error{inside_->name() + " is away", ENODEV};
    std::vector<std::pair<std::string, net::ChannelChange>> changes;
    for (const net::Link* port : {link(), inside_ ? inside_->link() : nullptr}) {
        if (port == nullptr) continue;
        const auto present = net::channels(port->name);
        const auto change = net::channels_to_receive(port->name, present, count);
        if (!change) return change.error();
        if (present->receiving() != count) changes.emplace_back(port->name, *change);
    }
    if (changes.empty()) return false;
    // The kernel takes no queue away that a socket is bound to. Meanwhile packets pass the workers by; the program stays.
    stop_workers();
    Result<void> done;
    for (const auto& [port, change] : changes)
        if (done)
            done = until_let_go(EINVAL, [&] { return net::change_channels(port, change.combined, change.count); });
    restart_workers();
    if (!done) return done.error();
    return true;
}

}  // namespace gabion::daemon
