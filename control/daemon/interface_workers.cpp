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

std::string queues_text(std::uint32_t count) { return std::to_string(count) + (count == 1 ? " queue" : " queues"); }

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
    running.observer = attach_observer();
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
    config.busy_wait = worker::waits_busily(settings_.busy_wait, cpu, worker::isolated_cpus());
    const auto open = [&] { return DetectingWorker::open(config, *running.observer); };
    auto opened = patient ? until_let_go(EBUSY, open) : open();
    if (!opened) return opened.error();
    running.thread = std::make_unique<worker::WorkerThread<detect::Observer>>(std::move(*opened), cpu);
    auto started = running.thread->started();
    if (started) running_.push_back(std::move(running));
    return started;
}

// The private pair, with a queue for each worker, and where what comes out of it goes on.
Result<void> ProtectedInterface::open_pair(const net::Link& link, const net::Redirect& onwards) {
    auto hand_back = net::HandBack::open(link, queues_, xsk::chunk_bytes_for(link.mtu),
                                         {stage_->handback_fd(), stage_->foreign_fd()}, onwards);
    if (!hand_back) return hand_back.error();
    hand_back_.emplace(std::move(*hand_back));
    way_back_ = hand_back_->interface();
    return {};
}

// Workers transmit on the inside port itself, each on a queue of its own. One that has not so many gets their packets by the private pair:
// two workers cannot share a queue, and a driver may keep queues for itself (virtio for XDP_TX) that take a socket's frames and lose them.
Result<void> ProtectedInterface::open_way_inside(const net::Link& link) {
    if (!inside_->present()) return Error{inside_->name() + " is away", ENODEV};
    const net::Link& inside = *inside_->link();
    const std::uint32_t sending = net::tx_queue_count(inside);
    if (sending >= queues_) {
        way_back_ = inside.name;
        return {};
    }
    if (auto opened = open_pair(link, {inside.index, net::Hook::egress}); !opened) return opened;
    surroundings_.tell("handover-detour", inside.name + " sends on " + queues_text(sending) + ", " + link.name +
                                              " receives on " + queues_text(queues_) +
                                              ": workers send by a private pair, which costs more for each packet");
    return hand_back_->set_up(inside.up);
}

Result<void> ProtectedInterface::open_way_back(const net::Link& link) {
    way_back_.clear();
    if (inside_) return open_way_inside(link);
    const auto before = net::prepare_offloads(link);
    if (!before) return before.error();
    surroundings_.keeper.remember_offloads(settings_.name, *before);
    const auto obstacle = net::handover_obstacle(link);
    if (!obstacle) return obstacle.error();
    if (*obstacle) return Error{**obstacle, ENOTSUP};
    return open_pair(link, {link.index, net::Hook::ingress});
}

// Each queue for itself: what one cannot have (another program's socket is on it) is no reason to be blind on the others.
Result<void> ProtectedInterface::start_missing(const net::Link& link) {
    const auto cpus = worker::place(queues_, settings_.worker_cpus, worker::isolated_cpus(), worker::usable_cpus());
    Result<void> outcome;
    for (std::uint32_t queue = 0; queue < queues_; ++queue) {
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
    return outcome;
}

Result<void> ProtectedInterface::start_workers(const net::Link& link) {
    queues_ = net::rx_queue_count(link);
    // Without notes of the host's own flows a quarantine would cut off the answers to its queries: then no detector, but bans.
    if (noting_error_) return *noting_error_;
    if (auto opened = open_way_back(link); !opened) return opened;
    return start_missing(link);
}

void ProtectedInterface::stop_workers() {
    for (const Running& running : running_)
        running.thread->worker().stop();
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
    const bool detour = hand_back_.has_value();
    const bool suits =
        !inside_ || !inside_->present() || way_back_.empty() || detour == (net::tx_queue_count(*inside_->link()) < now);
    if (now == queues_ && suits) return false;
    if (now != queues_)
        surroundings_.tell("queues-changed", settings_.name + " receives on " + queues_text(now) +
                                                 (queues_ == 1 ? "; it was " : "; they were ") +
                                                 std::to_string(queues_));
    else
        surroundings_.tell("queues-changed", inside_->name() + " sends on " +
                                                 queues_text(net::tx_queue_count(*inside_->link())) + " now");
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
