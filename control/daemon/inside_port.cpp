// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/inside_port.h"

#include <algorithm>
#include <array>

#include <bpf/bpf.h>

#include "control/daemon/keeper.h"
#include "dataplane/map/port_watch.h"
#include "dataplane/net/offload.h"

namespace gabion::daemon {
namespace {

constexpr const char* pin = "inside-link";

Result<void> enter(const map::MapGroup& own, gabion_side side, const net::Link& link) {
    own.values<gabion_port>("port_counts")[side].ifindex = link.index;
    const __u32 key = side;
    if (bpf_map_update_elem(own.fd("ports"), &key, &link.index, BPF_ANY) == 0) return {};
    return error_from_errno(errno, "making " + link.name + " a port to forward to");
}

}  // namespace

InsidePort::InsidePort(std::string name, const map::PinDirectory& pins, Keeper& keeper, Tell tell)
    : name_(std::move(name)), pins_(pins), keeper_(keeper), tell_(std::move(tell)), link_(pins, pin) {}

Result<void> InsidePort::open(const map::MapGroup& own, const net::Link& outside) {
    auto link = net::link_by_name(name_);
    if (!link) return link.error();
    release_former(pins_, keeper_, link->index);
    if (auto entered = enter(own, GABION_SIDE_OUTSIDE, outside); !entered) return entered;
    if (auto entered = enter(own, GABION_SIDE_INSIDE, *link); !entered) return entered;
    if (auto watched = map::watch_ports(pins_, own); !watched)
        tell_("ports-unwatched", name_ + ": frames that a port cannot send go uncounted: " + watched.error().text);
    follower_.emplace(name_, *link);
    compare_mtu(outside);
    return {};
}

Result<map::Attached> InsidePort::attach(int program_fd, map::AttachMode wanted) {
    auto attached = link_.attach(program_fd, static_cast<int>(link()->index), name_, wanted);
    if (attached) attached_ = attached->mode;
    return attached;
}

Result<void> InsidePort::swap(int program_fd) {
    return present() ? link_.swap(program_fd, name_) : Result<void>(Error{name_ + " is away", ENODEV});
}

Result<void> InsidePort::prepare() {
    const auto before = net::prepare_port(*link(), attached_ == map::AttachMode::generic);
    if (!before) return before.error();
    keeper_.remember_offloads(name_, *before);
    return {};
}

void InsidePort::close() {
    link_.detach();
    if (present()) (void)net::restore_offloads(*link(), keeper_.offloads(name_));
    keeper_.forget_offloads(name_);
}

void InsidePort::compare_mtu(const net::Link& outside) {
    note_.clear();
    if (!present() || link()->mtu == outside.mtu) return;
    note_ = "MTU " + std::to_string(link()->mtu) + ", but " + std::to_string(outside.mtu) + " on " + outside.name +
            ": what is longer than the other port's is dropped";
    tell_("mtu-differs", name_ + ": " + note_);
}

std::vector<net::LinkEvent> InsidePort::follow(const net::LinkBatch& batch) {
    return follower_ ? follower_->apply(batch) : std::vector<net::LinkEvent>{};
}

int InsidePort::former(const map::PinDirectory& pins) { return map::XdpLink(pins, pin).interface(); }

void InsidePort::release_former(const map::PinDirectory& pins, Keeper& keeper, std::uint32_t still_inside) {
    map::XdpLink former(pins, pin);
    const int index = former.interface();
    if (index == 0 || index == static_cast<int>(still_inside)) return;
    former.detach();
    const auto link = net::link_by_index(static_cast<std::uint32_t>(index));
    if (!link) return;
    (void)net::restore_offloads(*link, keeper.offloads(link->name));
    keeper.forget_offloads(link->name);
}

std::optional<std::string> forwarding_obstacle(const net::Link& link) {
    if (link.kind == "veth") return {};
    const auto present = net::features(link.name);
    if (!present) return {};
    const bool strips = std::any_of(present->begin(), present->end(), [](const net::Feature& feature) {
        return feature.active && net::strips_tags(feature.name);
    });
    if (!strips) return {};
    return link.name + " takes VLAN tags out of frames (rxvlan) and cannot be told not to: forwarded natively they " +
           "would be lost; attach = \"generic\" keeps them";
}

}  // namespace gabion::daemon
