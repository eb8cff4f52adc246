// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/dpdk_interface.h"

#include <sys/random.h>

#include <array>
#include <optional>
#include <utility>

#include "control/daemon/analyst_thread.h"
#include "control/daemon/flow_view.h"
#include "control/daemon/release.h"
#include "dataplane/core/host_stages.h"
#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/lcore_thread.h"
#include "dataplane/dpdk/port.h"
#include "dataplane/dpdk/ticks.h"
#include "dataplane/net/link.h"
#include "dataplane/net/link_watch.h"

namespace gabion::daemon {
namespace {

// The generator of a CPU's samples; the kernel's programs seed theirs by themselves.
void seed(gabion_cpu& cpu) {
    std::uint32_t random = 0;
    if (cpu.sampler.random != 0) return;
    (void)::getrandom(&random, sizeof random, 0);
    cpu.sampler.random = random | 1;
}

// A thread that was killed had packets in its hands, received and not judged: they went with it, and are counted as what they are, packets
// without a way out. Returns how many.
std::uint64_t settle_cut_off(std::span<gabion_cpu> cpus) {
    std::uint64_t packets = 0;
    for (gabion_cpu& cpu : cpus) {
        const counter::Totals totals = counter::of_cpu(cpu, counter::Mode::inline_port);
        gabion_count missing = totals.received;
        for (const gabion_count& left : {totals.forwarded, totals.answered, totals.handed_over, totals.dropped}) {
            missing.packets -= left.packets;
            missing.bytes -= left.bytes;
        }
        cpu.reason[GABION_REASON_PORT_GONE].packets += missing.packets;
        cpu.reason[GABION_REASON_PORT_GONE].bytes += missing.bytes;
        packets += missing.packets;
    }
    return packets;
}

class DpdkInterface final : public Interface {
public:
    DpdkInterface(InterfaceSettings settings, DpdkSettings dpdk, Surroundings surroundings)
        : Interface(std::move(settings), std::move(surroundings)),
          dpdk_(std::move(dpdk)),
          ticks_(surroundings_.clock) {}

    [[nodiscard]] const char* backend() const noexcept override { return "dpdk"; }
    Result<void> prepare() override;
    [[nodiscard]] bool prepared() const noexcept override { return stages_.has_value(); }
    void await() override {}  // prepare() never says that a port may come
    Result<void> open() override;
    void close(bool keep_enforcing) override;
    void follow(const net::LinkBatch& batch) override;
    void tend() override;
    Result<bool> change_channels(std::uint32_t) override {
        return Error{settings_.name + " is on DPDK: it has a queue for each CPU that dpdk.cores names", ENOTSUP};
    }

    [[nodiscard]] bool present() const noexcept override { return !running_.empty(); }
    [[nodiscard]] const char* attach_name() const noexcept override { return present() ? "poll-mode" : "none"; }
    [[nodiscard]] bool noting() const noexcept override { return present(); }
    [[nodiscard]] bool handing_over() const noexcept override { return present(); }
    [[nodiscard]] std::string note() const override { return link_note(GABION_SIDE_OUTSIDE); }
    [[nodiscard]] std::optional<InsideView> inside_view() const override {
        return InsideView{settings_.peer, present(), attach_name(), link_note(GABION_SIDE_INSIDE)};
    }
    [[nodiscard]] std::vector<WorkerView> workers(std::uint32_t now_ticks) override;
    [[nodiscard]] std::optional<counter::DriverDiscards> discards(gabion_side side) const override {
        return ports_[side] ? std::optional(ports_[side]->discards()) : std::nullopt;
    }

private:
    // The thread dies first: it uses the observer.
    struct Running {
        AttachedObserver observer;
        std::unique_ptr<dpdk::LcoreThread> thread;
    };

    Result<void> open_ports();
    Result<void> open_stages();
    Result<void> start_lcore(std::uint16_t queue, unsigned cpu);
    void release_programs();
    [[nodiscard]] bool has_link(gabion_side side) const;
    void tell_link(gabion_side side, bool up);
    void lose(gabion_side side);
    [[nodiscard]] std::string link_note(gabion_side side) const;
    [[nodiscard]] const std::string& name_of(gabion_side side) const noexcept {
        return side == GABION_SIDE_OUTSIDE ? settings_.name : settings_.peer;
    }

    DpdkSettings dpdk_;
    dpdk::Ticks ticks_;
    std::optional<dpdk::Eal> eal_;  // outlives the ports
    std::array<std::optional<dpdk::Port>, GABION_SIDES> ports_;
    // Of a port that stands on an interface of the kernel's: the drivers of such ports follow neither its link nor its end.
    std::array<std::optional<net::LinkFollower>, GABION_SIDES> followers_;
    std::array<bool, GABION_SIDES> up_{};
    std::array<bool, GABION_SIDES> gone_{};  // until the next start of gabiond
    std::optional<HostStages> stages_;
    std::vector<Running> running_;  // in the order of their queues
};

// What is likely to fail comes first: devices that are not there, memory, queues.
Result<void> DpdkInterface::prepare() {
    auto eal = dpdk::Eal::start({{dpdk_.device, dpdk_.peer_device}, dpdk_.memory_mib, dpdk_.huge_pages});
    if (!eal) return Error{settings_.name + ": " + eal.error().text, ENXIO};
    eal_.emplace(std::move(*eal));
    if (auto opened = open_ports(); !opened) return opened;
    release_programs();
    const auto queues = static_cast<std::uint32_t>(dpdk_.cores.size());
    if (auto opened = open_own_maps(queues); !opened) return opened;
    const std::uint64_t cut_off =
        settle_cut_off(own_->values<gabion_cpu>("cpus")) + settle_cut_off(own_->values<gabion_cpu>("inside_cpus"));
    if (cut_off > 0)
        surroundings_.tell("packets-lost", settings_.name + ": " + std::to_string(cut_off) +
                                               " packets were in the hands of a thread that was killed and are lost");
    return open_stages();
}

Result<void> DpdkInterface::open_ports() {
    const auto queues = static_cast<std::uint16_t>(dpdk_.cores.size());
    for (const gabion_side side : {GABION_SIDE_OUTSIDE, GABION_SIDE_INSIDE}) {
        const std::string& device = side == GABION_SIDE_OUTSIDE ? dpdk_.device : dpdk_.peer_device;
        auto port = dpdk::Port::open(device, queues);
        if (!port)
            return Error{name_of(side) + ": " + port.error().text + "; DPDK said at its start: " + eal_->said(), ENXIO};
        ports_[side].emplace(std::move(*port));
        const std::string name = dpdk::kernel_interface(device);
        if (name.empty()) continue;
        auto link = net::link_by_name(name);
        if (!link) return Error{name_of(side) + ": " + link.error().text, ENXIO};
        followers_[side].emplace(name, std::move(*link));
    }
    return {};
}

// What an earlier daemon left in the kernel, when what has this name now was on XDP then.
void DpdkInterface::release_programs() {
    if (!surroundings_.pins.has(settings_.name)) return;
    auto pins = surroundings_.pins.subdirectory(settings_.name);
    if (pins && pins->has("link")) release_interface(settings_.name, *pins, surroundings_.keeper, false);
}

Result<void> DpdkInterface::open_stages() {
    auto stages = HostStages::on([this](const char* name) -> void* {
        const auto own = own_->values<std::byte>(name);
        return own.empty() ? surroundings_.shared.values<std::byte>(name).data() : own.data();
    });
    if (!stages) return Error{settings_.name + ": " + stages.error().text, stages.error().code};
    stages->settings() = map::stage_settings(surroundings_.shared, *own_, surroundings_.facts);
    stages->inside_settings() = map::inside_settings(surroundings_.shared, surroundings_.facts);
    stages_.emplace(std::move(*stages));
    return {};
}

Result<void> DpdkInterface::open() {
    for (auto& port : ports_)
        if (auto started = port->start(); !started) return started;
    for (std::uint16_t queue = 0; queue < dpdk_.cores.size(); ++queue)
        if (auto started = start_lcore(queue, dpdk_.cores[queue]); !started) {
            running_.clear();
            return started;
        }
    for (const gabion_side side : {GABION_SIDE_OUTSIDE, GABION_SIDE_INSIDE})
        up_[side] = has_link(side);
    return {};
}

Result<void> DpdkInterface::start_lcore(std::uint16_t queue, unsigned cpu) {
    const auto cpus = own_->values<gabion_cpu>("cpus");
    if (cpu >= cpus.size()) return Error{"dpdk.cores: this host has no CPU " + std::to_string(cpu), EINVAL};
    seed(cpus[cpu]);
    Running running;
    running.observer = attach_observer();
    auto lcore = std::make_unique<dpdk::Lcore>(
        dpdk::LcoreConfig{.outside = ports_[GABION_SIDE_OUTSIDE]->id(),
                          .inside = ports_[GABION_SIDE_INSIDE]->id(),
                          .queue = queue,
                          .outside_bytes_max = ports_[GABION_SIDE_OUTSIDE]->frame_bytes_max(),
                          .inside_bytes_max = ports_[GABION_SIDE_INSIDE]->frame_bytes_max(),
                          .stages = &*stages_,
                          .ticks = &ticks_,
                          .cpu = &cpus[cpu],
                          .inside_cpu = &own_->values<gabion_cpu>("inside_cpus")[cpu],
                          .credit = &own_->values<gabion_queue>("queues")[queue],
                          .counters = &own_->values<gabion_worker_counters>("workers")[queue],
                          .ports = own_->values<gabion_port>("port_counts"),
                          .credit_packets = settings_.credit,
                          .idle_us = dpdk_.idle_us},
        *running.observer);
    running.thread = std::make_unique<dpdk::LcoreThread>(std::move(lcore), queue, cpu);
    auto started = running.thread->started();
    if (started) running_.push_back(std::move(running));
    return started;
}

// Nobody is left to move packets, whatever the configuration wants of a stop; the tables and the counts stay for the next start.
void DpdkInterface::close(bool keep_enforcing) {
    if (present())
        surroundings_.tell("forwarding-ended", settings_.name + ": nothing is forwarded until gabiond runs again");
    running_.clear();
    for (auto& port : ports_)
        port.reset();
    if (!keep_enforcing && pins_) pins_->clear();
}

bool DpdkInterface::has_link(gabion_side side) const {
    if (!followers_[side]) return ports_[side]->is_up();
    const std::optional<net::Link>& link = followers_[side]->link();
    return link && link->up && link->carrier;
}

void DpdkInterface::follow(const net::LinkBatch& batch) {
    for (const gabion_side side : {GABION_SIDE_OUTSIDE, GABION_SIDE_INSIDE}) {
        if (!followers_[side]) continue;
        for (const net::LinkEvent event : followers_[side]->apply(batch)) {
            if (event == net::LinkEvent::vanished)
                lose(side);
            else if (event == net::LinkEvent::appeared)
                surroundings_.tell("interface-back", name_of(side) + " is there again: restart gabiond to forward");
            else if (event == net::LinkEvent::up || event == net::LinkEvent::down)
                tell_link(side, event == net::LinkEvent::up);
        }
    }
}

void DpdkInterface::tend() {
    ticks_.relate(surroundings_.clock);
    tell_port_failures();
    for (const gabion_side side : {GABION_SIDE_OUTSIDE, GABION_SIDE_INSIDE}) {
        if (!ports_[side] || gone_[side]) continue;
        if (ports_[side]->is_removed())
            lose(side);
        else
            tell_link(side, has_link(side));
    }
}

void DpdkInterface::tell_link(gabion_side side, bool up) {
    if (gone_[side] || std::exchange(up_[side], up) == up) return;
    surroundings_.tell(up ? "interface-up" : "interface-down", name_of(side) + (up ? " is up" : " is down"));
}

// A device that is gone is not to be touched any more, and one that comes in its place is another one: the threads end. What arrives by the
// other port meanwhile is not taken from it, so that nothing is counted as forwarded that cannot be.
void DpdkInterface::lose(gabion_side side) {
    if (std::exchange(gone_[side], true)) return;
    running_.clear();
    surroundings_.tell(
        "interface-gone",
        name_of(side) + " is gone: nothing is forwarded until it is there again and gabiond is restarted");
}

std::string DpdkInterface::link_note(gabion_side side) const {
    if (gone_[side]) return name_of(side) + " is gone: gabiond must be restarted once it is there again";
    return !present() || up_[side] ? std::string() : name_of(side) + " has no link";
}

std::vector<Interface::WorkerView> DpdkInterface::workers(std::uint32_t) {
    std::vector<WorkerView> views;
    for (const Running& running : running_) {
        const auto queue = own_->values<gabion_queue>("queues").subspan(running.thread->queue(), 1);
        views.push_back({.queue = running.thread->queue(),
                         .cpu = running.thread->cpu(),
                         .alive = running.thread->alive(),
                         .late = false,
                         .in_flight = counter::in_flight(queue)});
    }
    return views;
}

}  // namespace

Result<std::unique_ptr<Interface>> make_dpdk_interface(InterfaceSettings settings, DpdkSettings dpdk,
                                                       Surroundings surroundings) {
    return std::unique_ptr<Interface>(
        std::make_unique<DpdkInterface>(std::move(settings), std::move(dpdk), std::move(surroundings)));
}

}  // namespace gabion::daemon
