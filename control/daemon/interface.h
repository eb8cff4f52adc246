// SPDX-License-Identifier: Apache-2.0
// A protected interface as the rest of the daemon knows it, whatever moves its packets: programs in the kernel (protected_interface.h),
// or threads that poll a pair of ports (dpdk_interface.h). Here is what both have: settings, surroundings, and the maps of its own, in
// which whoever moves the packets counts them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bpf/abi/cpu.h"
#include "bpf/abi/port.h"
#include "bpf/abi/queue.h"
#include "dataplane/core/clock.h"
#include "dataplane/core/result.h"
#include "dataplane/counter/totals.h"
#include "dataplane/detect/key.h"
#include "dataplane/map/kernel_stage.h"
#include "dataplane/map/map_group.h"
#include "dataplane/map/pin_directory.h"
#include "dataplane/map/xdp_link.h"
#include "dataplane/net/link_watch.h"
#include "dataplane/worker/placement.h"
#include "dataplane/xsk/socket.h"

namespace gabion::detect {
class Observer;
}

namespace gabion::daemon {

class AnalystThread;
class FlowView;
class Keeper;
class ProtectedInterface;

struct InterfaceSettings {
    std::string name;
    std::string peer;  // inline mode: the inside port; empty in host mode
    map::AttachMode attach = map::AttachMode::automatic;
    std::vector<unsigned> worker_cpus;  // as configured, in queue order; empty: chosen
    std::uint32_t credit = GABION_CREDIT_DEFAULT;
    worker::BusyWait busy_wait = worker::BusyWait::isolated;
    gabion_mac_filter mac_filter{};
};

// What an interface needs of the rest of the daemon; all of it outlives the interface.
struct Surroundings {
    const map::PinDirectory& pins;
    const map::MapGroup& shared;
    const TickClock& clock;
    map::HostFacts facts;
    detect::HashKey hash;
    const FlowView& flows;
    AnalystThread& analyst;
    Keeper& keeper;
    std::function<void(const char* kind, const std::string& text)> tell;  // an event
};

class Interface {
public:
    Interface(InterfaceSettings settings, Surroundings surroundings);
    virtual ~Interface();
    Interface(const Interface&) = delete;
    Interface& operator=(const Interface&) = delete;

    [[nodiscard]] virtual const char* backend() const noexcept = 0;  // "xdp", "dpdk"
    // What only programs in the kernel can do; null where there are none.
    [[nodiscard]] virtual ProtectedInterface* xdp() noexcept { return nullptr; }

    // Makes ready what open() puts in force, and changes nothing that an earlier daemon's programs go by. The code of an error is ENODEV
    // when the interface is not there and may come.
    virtual Result<void> prepare() = 0;
    [[nodiscard]] virtual bool prepared() const noexcept = 0;
    // It, or its inside port, was not there: protects it when both are.
    virtual void await() = 0;
    // Protects the interface. On an error nothing of ours is left on it that was not there before.
    virtual Result<void> open() = 0;
    // Stops the threads. What is in the kernel stays enforcing, or goes with all that belongs to it.
    virtual void close(bool keep_enforcing) = 0;
    // News of the network's links, whichever they are about.
    virtual void follow(const net::LinkBatch& batch) = 0;
    // Once a second.
    virtual void tend() = 0;
    // As many channels that receive, on both ports of a pair; workers follow. False when it has them. An error leaves the interface with
    // the channels that the kernel did give.
    virtual Result<bool> change_channels(std::uint32_t count) = 0;

    [[nodiscard]] virtual bool present() const noexcept = 0;
    [[nodiscard]] virtual const char* attach_name()
        const noexcept = 0;  // "native", "generic", "poll-mode", "none" while it is away
    // Flows are noted where packets leave; without that, connections cannot be told from a flood's packets.
    [[nodiscard]] virtual bool noting() const noexcept = 0;
    [[nodiscard]] virtual bool handing_over() const noexcept = 0;
    // Why something is not as configured; empty when all is well.
    [[nodiscard]] virtual std::string note() const = 0;

    // Inline mode: the other port; none in host mode, and before the first opening.
    struct InsideView {
        std::string name;
        bool present = false;
        const char* attach = "none";
        std::string note;
    };
    [[nodiscard]] virtual std::optional<InsideView> inside_view() const = 0;

    struct WorkerView {
        std::uint32_t queue = 0;
        std::uint32_t cpu = 0;
        bool alive = false;
        bool late = false;  // packets pass it by, since it does not move
        std::uint64_t in_flight = 0;
    };
    [[nodiscard]] virtual std::vector<WorkerView> workers(std::uint32_t now_ticks) = 0;
    [[nodiscard]] virtual xsk::Statistics socket_statistics() const { return {}; }
    // None where the kernel's driver keeps such counts, which `ethtool -S` shows.
    [[nodiscard]] virtual std::optional<counter::DriverDiscards> discards(gabion_side) const { return std::nullopt; }

    [[nodiscard]] const InterfaceSettings& settings() const noexcept { return settings_; }
    // For stages that are loaded from now on.
    [[nodiscard]] const map::HostFacts& facts() const noexcept { return surroundings_.facts; }
    void set_facts(const map::HostFacts& facts) noexcept { surroundings_.facts = facts; }
    [[nodiscard]] const map::MapGroup* own_maps() const noexcept { return own_ ? &*own_ : nullptr; }

    // What it counted, by its mode; and what the inside port of a pair did.
    [[nodiscard]] counter::Totals totals() const;
    [[nodiscard]] counter::Totals inside_totals() const;
    [[nodiscard]] counter::Mode counter_mode() const noexcept {
        return settings_.peer.empty() ? counter::Mode::host : counter::Mode::inline_port;
    }
    [[nodiscard]] std::span<const gabion_cpu> cpus() const;
    [[nodiscard]] std::span<const gabion_cpu> inside_cpus() const;
    // What was forwarded towards a port and could not leave there.
    [[nodiscard]] gabion_port port_counts(gabion_side side) const;
    [[nodiscard]] gabion_worker_counters worker_totals() const;
    [[nodiscard]] std::uint64_t in_flight() const;
    [[nodiscard]] std::uint64_t table_bytes() const noexcept { return own_ ? own_->bytes() : 0; }

protected:
    struct Detach {
        AnalystThread* analyst = nullptr;
        void operator()(detect::Observer* observer) const noexcept;
    };
    // Its slots go to the analyst from the beginning to the end of its life. The thread that uses it must end before.
    using AttachedObserver = std::unique_ptr<detect::Observer, Detach>;
    [[nodiscard]] AttachedObserver attach_observer() const;

    // Its pinned counters and tables, with room for so many queues; what a killed daemon left in them is settled and told.
    Result<void> open_own_maps(std::uint32_t queues);
    // Once a second: packets that a port of a pair could not send.
    void tell_port_failures();

    InterfaceSettings settings_;
    Surroundings surroundings_;
    std::optional<map::PinDirectory> pins_;
    std::optional<map::MapGroup> own_;

private:
    std::array<std::uint64_t, GABION_SIDES> port_failures_told_{};
};

}  // namespace gabion::daemon
