// SPDX-License-Identifier: Apache-2.0
// An interface that is protected in the kernel, whole: its pinned counters, the XDP program on it, the note-taker at its egress, the private pair, and a
// worker with its detectors for each receive queue. It can be away (deleted, or not there yet) and come back. In inline mode it is the
// outside port of a pair: the note-taker is the inside port's program, and workers transmit there.
//
// Order at start: what an earlier daemon left goes on enforcing until the new program takes its place in one step; sockets enter
// last. Order at stop: workers give back all that they hold; then the program stays or goes, as told.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/daemon/answer_watch.h"
#include "control/daemon/inside_port.h"
#include "control/daemon/interface.h"
#include "dataplane/core/result.h"
#include "dataplane/detect/observer.h"
#include "dataplane/map/kernel_stage.h"
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

class ProtectedInterface : public Interface {
public:
    ProtectedInterface(InterfaceSettings settings, Surroundings surroundings);
    ~ProtectedInterface() override;

    [[nodiscard]] const char* backend() const noexcept override { return "xdp"; }
    [[nodiscard]] ProtectedInterface* xdp() noexcept override { return this; }

    // Loads what open() will attach. The interface must exist.
    Result<void> prepare() override;
    [[nodiscard]] bool prepared() const noexcept override { return prepared_.has_value(); }
    void await() override;
    Result<void> open() override;
    void close(bool keep_enforcing) override;
    void follow(const net::LinkBatch& batch) override;
    // Workers that died or whose way back is blocked are opened anew; what failed is tried again, less often.
    void tend() override;
    Result<bool> change_channels(std::uint32_t count) override;

    // The profiling program with this interface's maps, not in the kernel yet.
    [[nodiscard]] Result<map::ProfilingStage> profiling_stage(std::uint32_t until_tick) const;
    // Puts a program that works on the same maps in the place of the ordinary XDP program, and that one back.
    Result<void> put_in_place(int program_fd);
    void put_back();
    // Programs loaded on the same maps of this interface, in the place of all the ordinary ones, or of none. What was in place comes
    // back in `stage`, to be put back likewise.
    Result<void> exchange_programs(map::KernelStage& stage);
    // Of these facts, what can work here.
    [[nodiscard]] map::HostFacts possible(map::HostFacts facts) const;
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

    [[nodiscard]] bool present() const noexcept override { return present_; }
    [[nodiscard]] map::AttachMode attach() const noexcept { return attached_; }
    [[nodiscard]] const char* attach_name() const noexcept override;
    [[nodiscard]] bool noting() const noexcept override { return present_ && !noting_error_; }
    [[nodiscard]] bool handing_over() const noexcept override { return !running_.empty(); }
    [[nodiscard]] std::string note() const override;
    [[nodiscard]] std::optional<InsideView> inside_view() const override;

    [[nodiscard]] std::vector<WorkerView> workers(std::uint32_t now_ticks) override;
    [[nodiscard]] xsk::Statistics socket_statistics() const override;

private:
    using DetectingWorker = worker::Worker<detect::Observer>;
    // The thread dies first: it uses the observer.
    struct Running {
        AttachedObserver observer;
        std::unique_ptr<worker::WorkerThread<detect::Observer>> thread;
    };

    Result<void> attach_programs(const net::Link& link);
    map::KernelStage take_prepared();
    Result<void> attach_pair(const net::Link& link);
    Result<void> prepare_ports(const net::Link& link);
    void follow_inside(const net::LinkBatch& batch);
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
    bool present_ = false;
    bool replaced_ = false;  // the program in place is not the ordinary one
    bool put_back_failed_ = false;
    unsigned openings_ = 0;
    unsigned seconds_failing_ = 0;
};

}  // namespace gabion::daemon
