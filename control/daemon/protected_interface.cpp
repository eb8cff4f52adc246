// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/protected_interface.h"

#include <algorithm>
#include <bit>

#include "bpf/lib/credit.h"
#include "control/daemon/keeper.h"
#include "control/daemon/release.h"
#include "dataplane/net/egress_hook.h"

namespace gabion::daemon {
namespace {

// What failed may have been for the moment (a killed worker's socket is not quite gone): soon again, then less and less often.
constexpr unsigned retry_seconds = 10;
bool is_time(unsigned seconds_failing) {
    return seconds_failing % retry_seconds == 0 ||
           (seconds_failing < retry_seconds && std::has_single_bit(seconds_failing));
}

const char* mode_name(bool present, map::AttachMode mode) {
    if (!present) return "none";
    return mode == map::AttachMode::generic ? "generic" : "native";
}

}  // namespace

ProtectedInterface::ProtectedInterface(InterfaceSettings settings, Surroundings surroundings)
    : Interface(std::move(settings), std::move(surroundings)) {}

ProtectedInterface::~ProtectedInterface() { stop_workers(); }

void ProtectedInterface::close(bool keep_enforcing) {
    put_back();
    stop_workers();
    if (keep_enforcing) return;
    if (present_) {
        link_->detach();
        if (inside_) inside_->close();
        release_link(*follower_->link(), settings_.name, surroundings_.keeper, false);
    }
    if (pins_) pins_->clear();
    present_ = false;
}

void ProtectedInterface::leave() {
    stop_workers();
    present_ = false;
    replaced_ = false;
    handover_note_.clear();
    // What was kept to be put back went with it.
    surroundings_.keeper.forget_offloads(settings_.name);
    if (link_ && link_->interface() != 0) {
        // It lives on in another network namespace, where nobody notes what its host asks for: answers would be taken for floods.
        link_->detach();
        surroundings_.tell("interface-gone", settings_.name +
                                                 " went to another network namespace and is not protected there; "
                                                 "waiting for it to come back");
        return;
    }
    surroundings_.tell("interface-gone", settings_.name + " is gone; waiting for it to come back");
}

std::string ProtectedInterface::note() const {
    std::string text;
    const auto add = [&text](const std::string& part) {
        if (!part.empty()) text += (text.empty() ? "" : "; ") + part;
    };
    if (link() != nullptr && link()->name != settings_.name) add("it is called " + link()->name + " now");
    add(attach_note_);
    add(handover_note_);
    if (link() != nullptr && !running_.empty() &&
        xsk::frame_bytes_max_for(link()->mtu) < link()->mtu + xsk::link_header_bytes)
        add("frames longer than " + std::to_string(xsk::frame_bytes_max_for(link()->mtu)) +
            " bytes pass the workers by: its MTU is " + std::to_string(link()->mtu));
    return text;
}

void ProtectedInterface::look_at_vlans(const net::Link& link) {
    vlans_.clear();
    if (const auto devices = net::vlan_devices_on(link.index))
        for (const net::Link& device : *devices)
            vlans_.insert(device.index);
}

void ProtectedInterface::on_event(net::LinkEvent event) {
    const std::string& name = settings_.name;
    switch (event) {
        case net::LinkEvent::vanished:
            return leave();
        case net::LinkEvent::appeared:
            if (auto opened = open(); !opened)
                return surroundings_.tell("interface-failed", name + ": " + opened.error().text);
            return surroundings_.tell("interface-back", name + " is there again and protected");
        case net::LinkEvent::up:
            return surroundings_.tell("interface-up", name + " is up");
        case net::LinkEvent::down:
            return surroundings_.tell("interface-down", name + " is down");
        case net::LinkEvent::renamed:
            return surroundings_.tell("interface-renamed", name + " is now called " + follower_->link()->name);
        case net::LinkEvent::mac_changed:
            if (hand_back_ && !hand_back_->follow(*follower_->link())) restart_workers();
            return;
        case net::LinkEvent::mtu_changed:
            surroundings_.tell("interface-mtu", name + " has an MTU of " + std::to_string(follower_->link()->mtu));
            if (inside_) inside_->compare_mtu(*follower_->link());
            return restart_workers();
    }
}

void ProtectedInterface::follow(const net::LinkBatch& batch) {
    if (!follower_) return;
    for (const net::LinkEvent event : follower_->apply(batch))
        on_event(event);
    // Whether tags survive the hand-over is another question with other VLAN devices.
    if (present_ && link() != nullptr && net::follow_vlans(vlans_, batch, link()->index)) restart_workers();
    if (inside_) follow_inside(batch);
}

// What failed when the interface came back, or when its workers started, may have been for the moment.
void ProtectedInterface::try_again() {
    if (!follower_ || !follower_->link() || !is_time(++seconds_failing_)) return;
    const bool was_present = present_;
    if (was_present && noting_error_ && net::attach_egress(follower_->link()->index, stage_->egress_fd()))
        (void)attach_programs(*follower_->link());  // with the stages that need what is noted
    if (!was_present)
        (void)open();
    else if (running_.empty())
        restart_workers();
    else if (auto started = start_missing(*link()); !started)
        return hand_over_off(started.error().text);
    if (present_ && !was_present) return surroundings_.tell("interface-back", settings_.name + " is protected again");
    if (running_.size() < queues_) return;
    handover_note_.clear();
    surroundings_.tell("handover-on", settings_.name + ": hand-over works again");
}

void ProtectedInterface::tend() {
    judge_answers();
    if (inside_) tell_port_failures();
    if (put_back_failed_) put_back();
    if (present_ && follow_queues()) return;
    if (!present_ || running_.empty()) return try_again();
    const bool sound = std::all_of(running_.begin(), running_.end(), [](const Running& running) {
        return running.thread->worker().alive() && !running.thread->worker().blocked();
    });
    // Frames wait for a port that is down; there is no other way out.
    if (sound || (inside_ && inside_->link() != nullptr && !inside_->link()->up)) {
        if (running_.size() < queues_) return try_again();
        seconds_failing_ = 0;
        return;
    }
    restart_workers();
    surroundings_.tell("workers-restarted", settings_.name + ": a worker had stopped or its way back was blocked");
}

std::vector<ProtectedInterface::WorkerView> ProtectedInterface::workers(std::uint32_t now_ticks) {
    std::vector<WorkerView> views;
    if (!own_) return views;
    const auto queues = own_->values<gabion_queue>("queues");
    for (const Running& running : running_) {
        auto& worker = running.thread->worker();
        const std::uint32_t queue = worker.queue();
        gabion_queue seen = queues[queue];  // a copy: the program's own words stay its own
        const bool late = gabion_late(&seen, seen.released, now_ticks, map::late_ticks(surroundings_.facts.hz)) != 0;
        views.push_back({.queue = queue,
                         .cpu = running.thread->cpu(),
                         .alive = worker.alive(),
                         .late = late,
                         .in_flight = counter::in_flight(queues.subspan(queue, 1))});
    }
    return views;
}

xsk::Statistics ProtectedInterface::socket_statistics() const {
    xsk::Statistics sum;
    for (const Running& running : running_) {
        const xsk::Statistics one = running.thread->worker().statistics();
        sum.rx_dropped += one.rx_dropped;
        sum.rx_ring_full += one.rx_ring_full;
        sum.fill_ring_empty += one.fill_ring_empty;
        sum.tx_invalid += one.tx_invalid;
    }
    return sum;
}

const char* ProtectedInterface::attach_name() const noexcept { return mode_name(present_, attached_); }

std::optional<Interface::InsideView> ProtectedInterface::inside_view() const {
    if (!inside_) return std::nullopt;
    return InsideView{inside_->name(), inside_->present(), mode_name(inside_->present(), inside_->attached()),
                      inside_->note()};
}

}  // namespace gabion::daemon
