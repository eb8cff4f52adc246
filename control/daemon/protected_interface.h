// SPDX-License-Identifier: Apache-2.0
// One protected interface, whole: its pinned counters, the XDP program on it, the note-taker at its egress, the private pair, and a
// worker with its detectors for each receive queue. It can be away (deleted, or not there yet) and come back. In inline mode it is the
// outside port of a pair: the note-taker is the inside port's program, and workers transmit there.
//
// Order at start: what an earlier daemon left goes on enforcing until the new program takes its place in one step; sockets enter
// last. Order at stop: workers give back all that they hold; then the program stays or goes, as told.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/daemon/answer_watch.h"
#include "control/daemon/inside_port.h"
#include "dataplane/core/result.h"
#include "dataplane/counter/totals.h"
#include "dataplane/detect/key.h"
#include "dataplane/detect/observer.h"
#include "dataplane/map/kernel_stage.h"
#include "dataplane/map/map_group.h"
#include "dataplane/map/pin_directory.h"
#include "dataplane/map/profiling_stage.h"
#include "dataplane/map/transmit_watch.h"
#include "dataplane/map/xdp_link.h"
#include "dataplane/net/hand_back.h"
#include "dataplane/net/link.h"
#include "dataplane/net/link_watch.h"
#include "dataplane/worker/worker_thread.h"

namespace gabion::daemon {

// Marks what our sockets transmit on a private pair, so that the far end knows it from anything else: "gb" and a version.
inline constexpr std::uint32_t own_mark = 0x67620001;

class AnalystThread;
class FlowView;
class Keeper;

struct InterfaceSettings {
    std::string name;
    std::string peer;  // inline mode: the inside port; empty in host mode
    map::AttachMode attach = map::AttachMode::automatic;
    std::vector<unsigned> worker_cpus;  // as configured, in queue order; empty: chosen
    std::uint32_t credit = GABION_CREDIT_DEFAULT;
    gabion_mac_filter mac_filter{};
};

// What an interface needs of the rest of the daemon; all of it outlives the interface.
struct Surroundings {
    const map::PinDirectory& pins;
    const map::MapGroup& shared;
    map::HostFacts facts;
    detect::HashKey hash;
    const FlowView& flows;
    AnalystThread& analyst;
    Keeper& keeper;
    std::function<void(const char* kind, const std::string& text)> tell;  // an event
};

class ProtectedInterface {
public:
    ProtectedInterface(InterfaceSettings settings, Surroundings surroundings);
    ~ProtectedInterface();
    ProtectedInterface(const ProtectedInterface&) = delete;
    ProtectedInterface& operator=(const ProtectedInterface&) = delete;

    // Loads what open() will attach, and changes nothing that programs of an earlier daemon go by. The interface must exist.
    Result<void> prepare();
    [[nodiscard]] bool prepared() const noexcept { return prepared_.has_value(); }
    // It, or its inside port, was not there: protects it when both are.
    void await();
    // Protects the interface. On an error nothing of ours is left on it that was not there before.
    Result<void> open();
    // Stops the workers; leaves the program enforcing, or takes it off with all that belongs to it.
    void close(bool keep_enforcing);
    // News of the network's links, whichever they are about.
    void follow(const net::LinkBatch& batch);
    // Once a second: workers that died or whose way back is blocked are opened anew; what failed is tried again, less often.
    void tend();

    // As many channels that receive, on both ports of a pair; workers follow. False when it has them. An error leaves the interface with
    // the channels that the kernel did give.
    Result<bool> change_channels(std::uint32_t count);

    // The profiling program with this interface's maps, not in the kernel yet.
    [[nodiscard]] Result<map::ProfilingStage> profiling_stage(std::uint32_t until_tick) const;
    // Puts a program that works on the same maps in the place of the ordinary XDP program, and that one back.
    Result<void> put_in_place(int program_fd);
    void put_back();
    // Programs loaded on the same maps of this interface, in the place of all the ordinary ones, or of none. What was in place comes
    // back in `stage`, to be put back likewise.
    Result<void> exchange_programs(map::KernelStage& stage);
    // For programs that are loaded from now on.
    [[nodiscard]] const map::HostFacts& facts() const noexcept { return surroundings_.facts; }
    // Of these, what can work here.
    [[nodiscard]] map::HostFacts possible(map::HostFacts facts) const;
    void set_facts(const map::HostFacts& facts) noexcept { surroundings_.facts = facts; }
    // As it is now; none while the interface is away.
    [[nodiscard]] const net::Link* link() const noexcept {
        return follower_ && follower_->link() ? &*follower_->link() : nullptr;
    }
    // Why no listener would take a connection from a SYN cookie of ours here; empty when it would.
    [[nodiscard]] const std::string& cookie_obstacle() const noexcept { return cookie_obstacle_; }
    // Why answers may not get out; whoever runs the host knows better.
    [[nodiscard]] const std::string& cookie_doubt() const noexcept { return cookie_doubt_; }
    // Why they do not, as was found out; until the interface is opened anew, or this is forgotten.
    [[nodiscard]] const std::string& answer_obstacle() const noexcept { return answers_.obstacle(); }
    void forget_answer_obstacle() noexcept { answers_.forget(); }
    // How often it was opened: a program made for an earlier opening works on other maps.
    [[nodiscard]] unsigned openings() const noexcept { return openings_; }
    // The ordinary programs in the kernel, by name; none before the first opening.
    [[nodiscard]] std::vector<std::pair<const char*, int>> programs() const;
    [[nodiscard]] const map::MapGroup* own_maps() const noexcept { return own_ ? &*own_ : nullptr; }

    [[nodiscard]] const InterfaceSettings& settings() const noexcept { return settings_; }
    [[nodiscard]] bool present() const noexcept { return present_; }
    [[nodiscard]] map::AttachMode attach() const noexcept { return attached_; }
    // Flows are noted where packets leave; without that, connections cannot be told from a flood's packets.
    [[nodiscard]] bool noting() const noexcept { return present_ && !noting_error_; }
    [[nodiscard]] bool handing_over() const noexcept { return !running_.empty(); }
    // Why something is not as configured; empty when all is well.
    [[nodiscard]] std::string note() const;
    // Inline mode: the other port; none in host mode, and before the first opening.
    [[nodiscard]] const InsidePort* inside() const noexcept { return inside_ ? &*inside_ : nullptr; }

    struct WorkerView {
        std::uint32_t queue = 0;
        std::uint32_t cpu = 0;
        bool alive = false;
        bool late = false;  // packets pass it by, since it does not move
        std::uint64_t in_flight = 0;
    };
    [[nodiscard]] std::vector<WorkerView> workers(std::uint32_t now_ticks);

    [[nodiscard]] std::span<const gabion_cpu> cpus() const {
        return own_ ? own_->values<gabion_cpu>("cpus") : std::span<gabion_cpu>{};
    }
    // What it counted, by its mode; and what the inside port of a pair did.
    [[nodiscard]] counter::Totals totals() const;
    [[nodiscard]] counter::Totals inside_totals() const;
    [[nodiscard]] counter::Mode counter_mode() const noexcept {
        return settings_.peer.empty() ? counter::Mode::host : counter::Mode::inline_port;
    }
    [[nodiscard]] std::span<const gabion_cpu> inside_cpus() const {
        return own_ ? own_->values<gabion_cpu>("inside_cpus") : std::span<gabion_cpu>{};
    }
    // What was forwarded towards a port and could not leave there.
    [[nodiscard]] gabion_port port_counts(gabion_side side) const;
    [[nodiscard]] gabion_worker_counters worker_totals() const;
    [[nodiscard]] std::uint64_t in_flight() const;
    [[nodiscard]] std::uint64_t table_bytes() const noexcept { return own_ ? own_->bytes() : 0; }
    [[nodiscard]] xsk::Statistics socket_statistics() const;

private:
    using DetectingWorker = worker::Worker<detect::Observer>;
    // The thread dies first: it uses the observer.
    struct Running {
        std::unique_ptr<detect::Observer> observer;
        std::unique_ptr<worker::WorkerThread<detect::Observer>> thread;
    };

    Result<void> open_maps(const net::Link& link);
    Result<void> attach_programs(const net::Link& link);
    map::KernelStage take_prepared();
    Result<void> attach_pair(const net::Link& link);
    Result<void> prepare_ports(const net::Link& link);
    void follow_inside(const net::LinkBatch& batch);
    void tell_port_failures();
    void attach_cookies(const net::Link& link);
    void watch_answers(const net::Link& link);
    void judge_answers();
    Result<void> start_workers(const net::Link& link);
    Result<void> open_way_back(const net::Link& link);
    Result<void> open_way_inside(const net::Link& link);
    Result<void> open_pair(const net::Link& link, const net::Redirect& onwards);
    Result<void> start_missing(const net::Link& link);
    Result<void> start_worker(std::uint32_t queue, unsigned cpu, const net::Link& link, bool patient);
    void restart_workers();
    bool follow_queues();
    void look_at_vlans(const net::Link& link);
    void try_again();
    void on_event(net::LinkEvent event);
    void stop_workers();
    void leave();
    [[nodiscard]] Error away(Error error) const;
    void note_clsact(bool made);
    void hand_over_off(const std::string& why);

    InterfaceSettings settings_;
    Surroundings surroundings_;
    std::optional<map::PinDirectory> pins_;
    std::optional<map::MapGroup> own_;
    std::optional<map::KernelStage> prepared_;  // loaded, not attached yet
    std::optional<map::KernelStage> stage_;
    std::optional<map::XdpLink> link_;
    std::optional<InsidePort> inside_;
    std::optional<net::HandBack> hand_back_;
    std::vector<Running> running_;   // in the order of their queues
    std::uint32_t queues_ = 0;       // that packets arrive on
    std::set<std::uint32_t> vlans_;  // devices that stand on it
    std::optional<net::LinkFollower> follower_;
    map::AttachMode attached_ = map::AttachMode::native;
    std::string attach_note_;
    std::string handover_note_;
    std::optional<Error> noting_error_;
    std::string cookie_obstacle_;
    std::string cookie_doubt_;
    std::optional<map::TransmitWatch> transmits_;
    AnswerWatch answers_;
    std::string way_back_;  // the interface that workers transmit on
    std::array<std::uint64_t, GABION_SIDES> port_failures_told_{};
    bool present_ = false;
    bool replaced_ = false;  // the program in place is not the ordinary one
    bool put_back_failed_ = false;
    unsigned openings_ = 0;
    unsigned seconds_failing_ = 0;
};

}  // namespace gabion::daemon
