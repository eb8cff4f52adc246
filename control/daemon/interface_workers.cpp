// SPDX-License-Identifier: Apache-2.0
// The workers of an interface: one for each receive queue, and their way back.
#include "control/daemon/analyst_thread.h"
#include "control/daemon/flow_view.h"
#include "control/daemon/keeper.h"
#include "control/daemon/protected_interface.h"
#include "dataplane/net/offload.h"

namespace gabion::daemon {

void ProtectedInterface::hand_over_off(const std::string& why) {
    std::string note = "hand-over is off: " + why;
    if (note == note_) return;
    note_ = std::move(note);
    surroundings_.tell("handover-off", settings_.name + ": " + why);
}

Result<void> ProtectedInterface::start_worker(std::uint32_t queue, unsigned cpu, const net::Link& link) {
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
    auto opened = DetectingWorker::open(config, *running.observer);
    if (!opened) return opened.error();
    running.thread = std::make_unique<worker::WorkerThread<detect::Observer>>(std::move(*opened), cpu);
    surroundings_.analyst.attach(running.observer.get());
    running_.push_back(std::move(running));
    return running_.back().thread->started();
}

// Where workers transmit: the private pair, or the other port.
Result<void> ProtectedInterface::open_way_back(const net::Link& link, std::uint32_t queues) {
    if (inside_) {
        if (!inside_->present()) return Error{inside_->name() + " is away", ENODEV};
        way_back_ = inside_->link()->name;
        if (const std::uint32_t ways = net::rx_queue_count(*inside_->link()); ways < queues)
            return Error{way_back_ + " has " + std::to_string(ways) + " queues for " + std::to_string(queues) + " of " +
                             link.name + "; give both ports as many (ethtool -L)",
                         ENOTSUP};
        return {};
    }
    const auto before = net::prepare_offloads(link);
    if (!before) return before.error();
    surroundings_.keeper.remember_offloads(settings_.name, *before);
    const auto obstacle = net::handover_obstacle(link);
    if (!obstacle) return obstacle.error();
    if (*obstacle) return Error{**obstacle, ENOTSUP};
    auto hand_back = net::HandBack::open(link, queues, xsk::chunk_bytes_for(link.mtu),
                                         {stage_->handback_fd(), stage_->foreign_fd()});
    if (!hand_back) return hand_back.error();
    hand_back_.emplace(std::move(*hand_back));
    way_back_ = hand_back_->interface();
    return {};
}

Result<void> ProtectedInterface::start_workers(const net::Link& link) {
    // Without notes of the host's own flows a quarantine would cut off the answers to its queries: then no detector, but bans.
    if (noting_error_) return *noting_error_;

    const auto queues = static_cast<std::uint32_t>(own_->values<gabion_queue>("queues").size());
    if (auto opened = open_way_back(link, queues); !opened) return opened;
    const auto cpus = worker::place(queues, settings_.worker_cpus, worker::isolated_cpus(), worker::usable_cpus());
    for (std::uint32_t queue = 0; queue < queues; ++queue) {
        if (auto started = start_worker(queue, cpus[queue], link); !started) return started;
    }
    return {};
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
    if (!follower_ || !follower_->link()) return;
    if (auto started = start_workers(*follower_->link()); !started) {
        stop_workers();
        hand_over_off(started.error().text);
    }
}

}  // namespace gabion::daemon
