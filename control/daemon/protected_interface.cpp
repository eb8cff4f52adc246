// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/protected_interface.h"

#include <algorithm>
#include <bit>

#include <bpf/libbpf.h>

#include "bpf/lib/credit.h"
#include "control/daemon/keeper.h"
#include "dataplane/map/shared_maps.h"
#include "dataplane/net/egress_hook.h"
#include "dataplane/net/offload.h"
#include "dataplane/worker/takeover.h"

namespace gabion::daemon {
namespace {

// What failed may have been for the moment (a killed worker's socket is not quite gone): soon again, then less and less often.
constexpr unsigned retry_seconds = 10;
bool is_time(unsigned seconds_failing) {
    return seconds_failing % retry_seconds == 0 ||
           (seconds_failing < retry_seconds && std::has_single_bit(seconds_failing));
}

}  // namespace

ProtectedInterface::ProtectedInterface(InterfaceSettings settings, Surroundings surroundings)
    : settings_(std::move(settings)), surroundings_(std::move(surroundings)) {
    surroundings_.facts.mac_filter = settings_.mac_filter;
    if (settings_.mac_filter.mode == GABION_MAC_OFF) surroundings_.facts.features &= ~GABION_FEATURE_MAC;
}

ProtectedInterface::~ProtectedInterface() { stop_workers(); }

Result<void> ProtectedInterface::open_maps(const net::Link& link) {
    auto directory = surroundings_.pins.subdirectory(settings_.name);
    if (!directory) return directory.error();
    pins_.emplace(std::move(*directory));
    const auto cpus = static_cast<std::uint32_t>(libbpf_num_possible_cpus());
    const auto specs = map::interface_maps(cpus, net::queue_count_max(link));
    // Counts that belong together begin anew together, or packets would seem lost.
    if (!map::MapGroup::fits(*pins_, specs))
        for (const char* counts : {"cpus", "inside_cpus", "queues", "workers"})
            pins_->remove(counts);
    auto own = map::MapGroup::open(*pins_, specs);
    if (!own) return own.error();
    own_.emplace(std::move(*own));
    const std::uint64_t lost = worker::take_over({.cpus = own_->values<gabion_cpu>("cpus"),
                                                  .queues = own_->values<gabion_queue>("queues"),
                                                  .workers = own_->values<gabion_worker_counters>("workers"),
                                                  .mode = counter_mode()});
    if (lost > 0)
        surroundings_.tell("packets-lost", settings_.name + ": " + std::to_string(lost) +
                                               " packets stood in the rings of a worker that was killed and are lost");
    return {};
}

map::HostFacts ProtectedInterface::possible(map::HostFacts facts) const {
    if (noting_error_) facts.features &= ~(GABION_FEATURE_CONNECTIONS | GABION_FEATURE_AMPLIFICATION);
    return facts;
}

Result<void> ProtectedInterface::attach_programs(const net::Link& link) {
    InsidePort::release_former(*pins_, surroundings_.keeper, 0);
    Result<map::KernelStage> stage = take_prepared();
    // Before the first packet is judged: what the host sent must be noted by then.
    const auto noting = net::attach_egress(link.index, stage->egress_fd());
    noting_error_.reset();
    if (noting) {
        note_clsact(*noting);
    } else {
        // Without notes of what leaves, the host's own connections and questions would look like a flood's packets.
        noting_error_ = noting.error();
        surroundings_.tell("noting-off", settings_.name + ": " + noting.error().text);
        stage = map::KernelStage::load(surroundings_.shared, *own_, possible(surroundings_.facts), own_mark);
        if (!stage) return stage.error();
    }

    if (!link_) link_.emplace(*pins_);
    const auto index = static_cast<int>(link.index);
    auto attached = link_->attach(stage->xdp_fd(), index, settings_.name, settings_.attach);
    if (!attached) return attached.error();
    attached_ = attached->mode;
    replaced_ = false;
    ++openings_;
    stage_.emplace(std::move(*stage));
    if (!attached->why_generic.empty()) {
        attach_note_ = "generic mode: " + attached->why_generic;
        surroundings_.tell("attached-generic", settings_.name + ": " + attach_note_);
    }

    return {};
}

// When it is only called otherwise now, the error says so.
Error ProtectedInterface::away(Error error) const {
    if (!surroundings_.pins.has(settings_.name)) return error;
    const auto pins = surroundings_.pins.subdirectory(settings_.name);
    const auto renamed = pins ? net::link_by_index(static_cast<std::uint32_t>(map::XdpLink(*pins).interface()))
                              : Result<net::Link>(pins.error());
    if (renamed)
        error.text += "; what was protected under this name is called " + renamed->name +
                      " now, and its program still enforces: give that name in the configuration";
    return error;
}

Result<void> ProtectedInterface::prepare() {
    const auto link = net::link_by_name(settings_.name);
    if (!link) return away(link.error());
    if (!settings_.peer.empty())
        if (const auto inside = net::link_by_name(settings_.peer); !inside) return inside.error();
    if (auto opened = open_maps(*link); !opened) return opened;
    auto stage = map::KernelStage::load(surroundings_.shared, *own_, surroundings_.facts, own_mark);
    if (!stage) return stage.error();
    prepared_.emplace(std::move(*stage));
    return {};
}

map::KernelStage ProtectedInterface::take_prepared() {
    map::KernelStage stage = std::move(*prepared_);
    prepared_.reset();
    return stage;
}

void ProtectedInterface::await() {
    const auto link = net::link_by_name(settings_.name);
    follower_.emplace(settings_.name, link ? std::optional(*link) : std::nullopt);
}

Result<void> ProtectedInterface::open() {
    if (!prepared_)
        if (auto prepared = prepare(); !prepared) return prepared;
    const auto link = net::link_by_name(settings_.name);
    if (!link) return away(link.error());
    attach_note_.clear();
    if (auto attached = settings_.peer.empty() ? attach_programs(*link) : attach_pair(*link); !attached)
        return attached;
    if (settings_.peer.empty()) attach_cookies(*link);
    present_ = true;
    if (!follower_) follower_.emplace(settings_.name, *link);
    restart_workers();
    return {};
}

void ProtectedInterface::close(bool keep_enforcing) {
    put_back();
    stop_workers();
    if (keep_enforcing) return;
    if (present_) {
        const net::Link link = *follower_->link();
        link_->detach();
        (void)net::detach_ingress(link.index);
        (void)net::detach_egress(link.index, surroundings_.keeper.offloads(settings_.name).made_clsact);
        if (inside_) inside_->close();
        (void)net::restore_offloads(link, surroundings_.keeper.offloads(settings_.name));
        surroundings_.keeper.forget_offloads(settings_.name);
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

void ProtectedInterface::note_clsact(bool made) {
    net::OffloadsBefore before;
    before.made_clsact = made;
    surroundings_.keeper.remember_offloads(settings_.name, before);
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
        if (running_.size() < workers_wanted()) return try_again();
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

gabion_worker_counters ProtectedInterface::worker_totals() const {
    return own_ ? counter::sum(own_->values<gabion_worker_counters>("workers")) : gabion_worker_counters{};
}

std::uint64_t ProtectedInterface::in_flight() const {
    return own_ ? counter::in_flight(own_->values<gabion_queue>("queues")) : 0;
}

}  // namespace gabion::daemon
