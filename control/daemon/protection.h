// SPDX-License-Identifier: Apache-2.0
// What protects the network, put together: tables, interfaces, the analyst's thread, the verdict writer, and what has to happen regularly.
// Everything but the workers and the analyst runs on the control thread, in the event loop.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "control/config/config.h"
#include "control/daemon/analyst_thread.h"
#include "control/daemon/cookie_switch.h"
#include "control/daemon/event_loop.h"
#include "control/daemon/events.h"
#include "control/daemon/flood_keeper.h"
#include "control/daemon/identity_watch.h"
#include "control/daemon/keeper.h"
#include "control/daemon/operator_sessions.h"
#include "control/daemon/panic_keeper.h"
#include "control/daemon/protected_interface.h"
#include "control/daemon/source_keeper.h"
#include "control/daemon/syn_keeper.h"
#include "control/daemon/tables.h"
#include "dataplane/ban/ban_load.h"
#include "dataplane/ban/destination_table.h"
#include "dataplane/ban/verdict_writer.h"
#include "dataplane/core/result.h"
#include "dataplane/net/link_watch.h"

namespace gabion::daemon {

class Protection {
public:
    Protection(config::Config config, EventLoop& loop, EventLog& events);
    ~Protection();
    Protection(const Protection&) = delete;
    Protection& operator=(const Protection&) = delete;

    // Protects what is configured. When that fails, what enforced before goes on enforcing.
    Result<void> open();
    // Puts what may change at run time in force, all or nothing.
    Result<void> apply(const config::Config& next);
    // Hands back what it holds, saves its state, and leaves the kernel stage enforcing or detaches it.
    void close(bool keep_enforcing);

    [[nodiscard]] const config::Config& config() const noexcept { return config_; }
    [[nodiscard]] Tables& tables() noexcept { return *tables_; }
    [[nodiscard]] AnalystThread& analyst() noexcept { return *analyst_; }
    [[nodiscard]] PanicKeeper& panic() noexcept { return *panic_; }
    [[nodiscard]] const SynKeeper& syn() const noexcept { return *syn_; }
    // Looked at anew.
    [[nodiscard]] const OperatorSessions& operator_sessions();
    [[nodiscard]] EventLog& events() noexcept { return events_; }
    [[nodiscard]] EventLoop& loop() noexcept { return loop_; }
    [[nodiscard]] const std::vector<std::unique_ptr<Interface>>& interfaces() const noexcept { return interfaces_; }
    [[nodiscard]] const ban::VerdictReport& verdict_report() const noexcept { return writer_->report(); }
    [[nodiscard]] std::uint64_t started_ns() const noexcept { return started_ns_; }

private:
    Result<void> open_tables();
    Result<void> prepare_interfaces();
    Result<void> open_interfaces();
    Result<void> give_up(Error why);
    Result<void> watch_links();
    void start_timers();
    void tend_syn();
    void watch_syn();
    void tend_cookie_switch(bool wanted);
    void put_in_force(gabion_panic_mode mode);
    void release_former();
    void follow_renamed();
    void release_moved();
    void decide();
    void enforce();
    void tend_sources();
    [[nodiscard]] SourceTables source_tables();
    void tell_verdict(const detect::Verdict& verdict, ban::Outcome outcome);
    void every_second();
    void tick_panic();
    void feed_known_sources();
    void tell_overflow();
    void look_at_sessions();
    void tend_floods();
    [[nodiscard]] bool under_attack();
    [[nodiscard]] FloodTables flood_tables();
    [[nodiscard]] std::vector<std::span<const gabion_cpu>> cpus_of_all() const;
    // Of all interfaces, those included that only a dry run spared.
    [[nodiscard]] std::uint64_t packets_under(std::initializer_list<gabion_reason> reasons) const;
    void prolong_flood();
    void tell_problems(const std::vector<std::string>& problems);

    config::Config config_;
    EventLoop& loop_;
    EventLog& events_;
    std::uint64_t started_ns_;
    detect::HashKey hash_;
    std::unique_ptr<Tables> tables_;
    std::unique_ptr<Keeper> keeper_;
    std::unique_ptr<AnalystThread> analyst_;
    std::unique_ptr<ban::DestinationTable> destinations_;
    std::unique_ptr<ban::VerdictWriter> writer_;
    std::unique_ptr<PanicKeeper> panic_;
    std::unique_ptr<FloodKeeper> floods_;
    std::unique_ptr<SourceKeeper> sources_;
    std::unique_ptr<SynKeeper> syn_;
    std::unique_ptr<CookieSwitch> cookie_switch_;
    OperatorSessions sessions_;
    bool sessions_unknown_ = false;
    std::vector<std::unique_ptr<Interface>> interfaces_;
    std::vector<IdentityWatch> identities_;
    std::unique_ptr<net::LinkWatch> links_;
    std::vector<EventLoop::TimerId> timers_;
    std::vector<detect::Verdict> verdicts_;
    std::vector<detect::Notice> notices_;
    std::uint64_t overflowed_seen_ = 0;
    std::uint64_t unknown_seen_ = 0;
    std::uint64_t answered_seen_ = 0;
};

}  // namespace gabion::daemon
