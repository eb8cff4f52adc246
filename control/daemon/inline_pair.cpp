// SPDX-License-Identifier: Apache-2.0
// Inline mode: a protected interface that is the outside port of a pair.
#include "control/daemon/keeper.h"
#include "control/daemon/protected_interface.h"
#include "dataplane/net/egress_hook.h"
#include "dataplane/net/offload.h"

namespace gabion::daemon {

// The inside port first: what it vouches for is noted before the first packet is judged. Both ports must be of one mode, since a program
// in native mode can forward to a driver with native XDP only.
Result<void> ProtectedInterface::attach_pair(const net::Link& link) {
    cookie_obstacle_ = "an inline pair forwards";
    // What host mode may have left here.
    (void)net::detach_ingress(link.index);
    (void)net::detach_egress(link.index, surroundings_.keeper.offloads(settings_.name).made_clsact);
    net::HandBack::remove(link);
    map::KernelStage stage = take_prepared();
    if (!inside_) inside_.emplace(settings_.peer, *pins_, surroundings_.keeper, surroundings_.tell);
    if (auto opened = inside_->open(*own_, link); !opened) return opened;
    if (!link_) link_.emplace(*pins_);
    auto inside = inside_->attach(stage.inside_fd(), settings_.attach);
    if (!inside) return inside.error();
    const bool inside_generic = inside->mode == map::AttachMode::generic;
    auto outside = link_->attach(stage.xdp_fd(), static_cast<int>(link.index), settings_.name,
                                 inside_generic ? map::AttachMode::generic : settings_.attach);
    if (!outside) return outside.error();
    if (outside->mode != inside->mode) {
        inside = inside_->attach(stage.inside_fd(), outside->mode);
        if (!inside) return inside.error();
    }
    attached_ = outside->mode;
    replaced_ = false;
    ++openings_;
    stage_.emplace(std::move(stage));
    for (const auto* port : {&*outside, &*inside}) {
        if (port->why_generic.empty()) continue;
        attach_note_ = "generic mode on both ports: " + port->why_generic;
        surroundings_.tell("attached-generic", settings_.name + ": " + attach_note_);
    }
    return prepare_ports(link);
}

Result<void> ProtectedInterface::prepare_ports(const net::Link& link) {
    const bool generic = attached_ == map::AttachMode::generic;
    const auto before = net::prepare_port(link, generic);
    if (!before) return before.error();
    surroundings_.keeper.remember_offloads(settings_.name, *before);
    if (auto prepared = inside_->prepare(); !prepared) return prepared;
    if (generic) return {};
    for (const net::Link* port : {&link, inside_->link()})
        if (const auto obstacle = forwarding_obstacle(*port)) return Error{*obstacle, ENOTSUP};
    return {};
}

void ProtectedInterface::follow_inside(const net::LinkBatch& batch) {
    for (const net::LinkEvent event : inside_->follow(batch)) {
        const std::string& name = inside_->name();
        if (hand_back_ && (event == net::LinkEvent::up || event == net::LinkEvent::down))
            if (auto done = hand_back_->set_up(event == net::LinkEvent::up); !done)
                surroundings_.tell("interface-failed", name + ": " + done.error().text);
        if (event == net::LinkEvent::vanished)
            surroundings_.tell("interface-gone", name + " is gone; until it comes back nothing is forwarded");
        else if (event == net::LinkEvent::up)
            surroundings_.tell("interface-up", name + " is up");
        else if (event == net::LinkEvent::down)
            surroundings_.tell("interface-down", name + " is down");
        else if (event == net::LinkEvent::mtu_changed && link() != nullptr)
            inside_->compare_mtu(*link());
        if (event != net::LinkEvent::appeared) continue;
        stop_workers();
        if (auto opened = open(); !opened)
            surroundings_.tell("interface-failed", name + ": " + opened.error().text);
        else
            surroundings_.tell("interface-back", name + " is there again, and forwarded to");
    }
}

}  // namespace gabion::daemon
