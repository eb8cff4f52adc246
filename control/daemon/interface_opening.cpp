// SPDX-License-Identifier: Apache-2.0
// How an interface comes to be protected: its tables, its programs loaded, and only then put in place.
#include "control/daemon/keeper.h"
#include "control/daemon/protected_interface.h"
#include "dataplane/net/egress_hook.h"
#include "dataplane/net/offload.h"

namespace gabion::daemon {

map::HostFacts ProtectedInterface::possible(map::HostFacts facts) const {
    if (noting_error_) facts.features &= ~(GABION_FEATURE_CONNECTIONS | GABION_FEATURE_AMPLIFICATION);
    return facts;
}

void ProtectedInterface::note_clsact(bool made) {
    net::OffloadsBefore before;
    before.made_clsact = made;
    surroundings_.keeper.remember_offloads(settings_.name, before);
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
    if (auto opened = open_own_maps(net::queue_count_max(*link)); !opened) return opened;
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

}  // namespace gabion::daemon
