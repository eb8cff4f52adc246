// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/interface.h"

#include <utility>

#include <bpf/libbpf.h>

#include "control/daemon/analyst_thread.h"
#include "control/daemon/flow_view.h"
#include "dataplane/detect/observer.h"
#include "dataplane/map/shared_maps.h"
#include "dataplane/worker/takeover.h"

namespace gabion::daemon {
namespace {

std::uint64_t failures(const gabion_port& port) { return port.full + port.down + port.too_long + port.refused; }

std::string failures_text(const gabion_port& port) {
    std::string text;
    const auto add = [&](std::uint64_t count, const char* why) {
        if (count > 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + why;
    };
    add(port.full, "since its driver had no room for them");
    add(port.down, "since it was down");
    add(port.too_long, "since they are longer than its MTU");
    add(port.refused, "since its driver takes no forwarded frames");
    return text;
}

}  // namespace

Interface::Interface(InterfaceSettings settings, Surroundings surroundings)
    : settings_(std::move(settings)), surroundings_(std::move(surroundings)) {
    surroundings_.facts.mac_filter = settings_.mac_filter;
    if (settings_.mac_filter.mode == GABION_MAC_OFF) surroundings_.facts.features &= ~GABION_FEATURE_MAC;
}

Interface::~Interface() = default;

void Interface::Detach::operator()(detect::Observer* observer) const noexcept {
    analyst->detach(observer);
    delete observer;
}

Interface::AttachedObserver Interface::attach_observer() const {
    auto observer = std::make_unique<detect::Observer>(surroundings_.hash);
    observer->set_flow_lookup(FlowView::look_up, &surroundings_.flows);
    surroundings_.analyst.attach(observer.get());
    return {observer.release(), Detach{&surroundings_.analyst}};
}

Result<void> Interface::open_own_maps(std::uint32_t queues) {
    auto directory = surroundings_.pins.subdirectory(settings_.name);
    if (!directory) return directory.error();
    pins_.emplace(std::move(*directory));
    const auto cpus = static_cast<std::uint32_t>(libbpf_num_possible_cpus());
    const auto specs = map::interface_maps(cpus, queues);
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

std::span<const gabion_cpu> Interface::cpus() const {
    return own_ ? own_->values<gabion_cpu>("cpus") : std::span<gabion_cpu>{};
}

std::span<const gabion_cpu> Interface::inside_cpus() const {
    return own_ ? own_->values<gabion_cpu>("inside_cpus") : std::span<gabion_cpu>{};
}

counter::Totals Interface::totals() const {
    counter::Totals totals = counter::sum(cpus(), counter_mode());
    if (counter_mode() == counter::Mode::inline_port)
        totals.handed_back.packets = counter::transmitted(worker_totals());
    return totals;
}

counter::Totals Interface::inside_totals() const { return counter::sum(inside_cpus(), counter::Mode::inline_port); }

gabion_port Interface::port_counts(gabion_side side) const {
    const auto ports = own_ ? own_->values<gabion_port>("port_counts") : std::span<gabion_port>{};
    return ports.empty() ? gabion_port{} : ports[side];
}

gabion_worker_counters Interface::worker_totals() const {
    return own_ ? counter::sum(own_->values<gabion_worker_counters>("workers")) : gabion_worker_counters{};
}

std::uint64_t Interface::in_flight() const {
    return own_ ? counter::in_flight(own_->values<gabion_queue>("queues")) : 0;
}

void Interface::tell_port_failures() {
    for (const gabion_side side : {GABION_SIDE_OUTSIDE, GABION_SIDE_INSIDE}) {
        const gabion_port port = port_counts(side);
        const std::uint64_t now = failures(port);
        if (std::exchange(port_failures_told_[side], now) >= now) continue;
        surroundings_.tell("not-forwarded", (side == GABION_SIDE_OUTSIDE ? settings_.name : settings_.peer) +
                                                ": could not send, so far: " + failures_text(port));
    }
}

}  // namespace gabion::daemon
