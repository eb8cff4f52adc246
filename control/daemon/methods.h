// SPDX-License-Identifier: Apache-2.0
// What the control socket can ask of the appliance: one virtual function a method, with plain values in and out. register_methods()
// puts them on a server; json.h turns the values into the documents of the contract. Everything runs on the control thread.
//
// Errors: EINVAL means that the caller asked for something that makes no sense (exit status 2), any other code that it was tried
// and failed (1). Their text is shown to the operator as it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/daemon/profile_report.h"
#include "control/wire/time.h"
#include "dataplane/ban/target_file.h"
#include "dataplane/core/address.h"
#include "dataplane/core/result.h"

namespace gabion::daemon {

class EventLog;
class Server;
using wire::WallTime;

// A figure with its name, in the order in which it is to be shown.
using NamedCounts = std::vector<std::pair<std::string, std::uint64_t>>;
using NamedFlags = std::vector<std::pair<std::string, bool>>;
using NamedTexts = std::vector<std::pair<std::string, std::string>>;

struct WorkerStatus {
    unsigned queue = 0;
    unsigned cpu = 0;
    bool alive = false;
    bool late = false;
    std::uint64_t in_flight = 0;
};

struct InterfaceStatus {
    std::string name;
    std::string mode = "host";      // "inline"
    std::string attach = "native";  // "generic", "poll-mode" on DPDK, "none" while the interface is away
    bool present = true;
    std::string note;  // what is not as configured, and why; empty: nothing
    std::vector<WorkerStatus> workers;
    std::string peer{};           // inline: the other port
    std::string backend = "xdp";  // "dpdk"
};

struct PanicState {
    std::string mode = "auto";  // "on", "off"
    bool tripped = false;
    bool learned = false;        // the rate is a learned one
    std::uint64_t rate_pps = 0;  // per CPU, in force; 0: none yet, `auto` never trips
    double drop_ratio = 0;       // configured
    std::uint64_t trips = 0;     // since the counters began
    std::uint64_t met = 0;       // packets of unprotected sources while tripped
    std::uint64_t dropped = 0;   // of these
};

struct Status {
    std::string version;
    std::string kernel;
    std::chrono::seconds uptime{0};
    bool dry_run = false;
    std::optional<std::chrono::seconds> trial_left;  // until everything is taken off, unless confirmed
    std::vector<InterfaceStatus> interfaces;
    PanicState panic;
    std::uint64_t bans = 0;  // operator and detector tier
    std::uint64_t quarantined = 0;
    std::uint64_t allowed = 0;
    NamedFlags features;
    NamedTexts feature_notes;    // why a feature is off, or what one that is on lacks
    bool learning = false;       // detectors run on their defaults
    std::uint64_t attacks = 0;   // going on now
    std::uint64_t verdicts = 0;  // of the detectors; with these times from the decision to being in force
    std::uint64_t verdict_median_ns = 0;
    std::uint64_t verdict_p99_ns = 0;
    std::uint64_t verdict_worst_ns = 0;
    std::uint64_t resident_bytes = 0;
    std::uint64_t table_bytes = 0;  // mapped
};

struct Traffic {
    std::uint64_t received = 0, passed = 0, forwarded = 0, answered = 0, handed_over = 0, dropped = 0;
};

struct WorkerTotals {
    std::uint64_t received = 0, handed_back = 0, dropped = 0, in_flight = 0, tx_failed = 0, lost = 0, late = 0;
    NamedCounts drops;
};

// Counters of one interface, or the sum over all.
struct Counters {
    Traffic packets;
    Traffic bytes;
    NamedCounts drops;       // by reason, packets
    NamedCounts passes;      // by reason: why packets passed
    NamedCounts would_drop;  // by reason, in a dry run
    WorkerTotals workers;
    bool identity_holds = true;
    std::int64_t identity_off_by = 0;  // received − accounted for
    NamedCounts nic;                   // what the driver and the AF_XDP sockets say was discarded
};

struct CpuCounters {
    unsigned cpu = 0;
    Traffic packets;
    Traffic bytes;
    NamedCounts drops;
};

struct InterfaceCounters {
    std::string name;
    Counters counters;
    std::vector<CpuCounters> cpus;  // when asked for
};

struct CountersReport {
    Counters total;
    std::vector<InterfaceCounters> interfaces;
    std::vector<CpuCounters> cpus;  // when asked for, summed over interfaces
};

// A measured figure beside the bound that it crossed.
struct EvidenceFigure {
    std::string name;
    double value = 0;
    double threshold = 0;
};

struct EvidenceReport {
    std::string detector;  // empty: none, an operator decided
    std::string standing;  // "unproven", "consistent", "proven"
    std::uint32_t window_ms = 0;
    std::uint32_t samples = 0;
    std::vector<EvidenceFigure> figures;
};

struct BanEntry {
    Prefix target;
    std::string tier;  // "operator", "detector", "quarantine"
    std::string reason;
    std::string note;
    WallTime since;
    std::optional<WallTime> expires;  // none: for ever
    std::uint64_t hits = 0;
    EvidenceReport evidence;
};

struct AllowEntry {
    Prefix target;
    unsigned skip = 0;  // GABION_SKIP_*
    std::string note;
    std::string origin;  // "configuration", "operator"
    WallTime since;
};

// Entries after `cursor` in an order that lasts while entries come and go; `cursor` is what an earlier page named as next.
struct PageRequest {
    std::string cursor;
    unsigned limit = 1000;
};

template <typename Entry>
struct Page {
    std::vector<Entry> entries;
    std::optional<std::string> next;  // none: this was the last page
};

struct BanRequest {
    Prefix target;
    std::optional<std::chrono::milliseconds> duration;  // none: for ever
    std::string note;
    bool force = false;  // also what is almost always a slip
};

struct BanLoad {
    std::vector<ban::LoadTarget> targets;               // checked, in the order of the file, repeats not taken out
    std::optional<std::chrono::milliseconds> duration;  // for those without one of their own; none: for ever
    std::string note;
    bool force = false;
};

struct LoadReport {
    std::uint64_t loaded = 0;  // lines
    std::uint64_t added = 0;   // of these, not banned before
};

struct AllowRequest {
    Prefix target;
    unsigned skip = 0;  // GABION_SKIP_*
    std::string note;
};

// One thing that is known about an address: a ban that covers it, an allow entry, what the detectors learned.
struct Finding {
    std::string kind;  // "ban", "quarantine", "allow", "known", "baseline", "watch"
    std::string text;
    std::optional<BanEntry> ban;
    NamedTexts fields;
};

struct WhyReport {
    Prefix target;
    std::string verdict;  // one sentence: what happens to its packets
    std::vector<Finding> findings;
};

struct ReloadReport {
    std::vector<std::string> changed;         // keys, in force now
    std::vector<std::string> restart_needed;  // keys that changed in the file but need a restart
};

class ControlSurface {
public:
    virtual ~ControlSurface() = default;

    virtual Result<Status> status() = 0;
    virtual Result<CountersReport> counters(bool per_core) = 0;

    // Return when the change is in force in the kernel. The expiry of the ban, if any; how many entries went.
    virtual Result<std::optional<WallTime>> add_ban(const BanRequest& request) = 0;
    virtual Result<unsigned> remove_ban(const Prefix& target) = 0;
    virtual Result<Page<BanEntry>> list_bans(const PageRequest& request) = 0;
    // All or nothing. May take several rounds of the loop; `done` is called once, at any time, on the control thread.
    virtual void load_bans(BanLoad load, std::function<void(Result<LoadReport>)> done) = 0;

    virtual Result<void> add_allow(const AllowRequest& request) = 0;
    virtual Result<unsigned> remove_allow(const Prefix& target) = 0;
    virtual Result<Page<AllowEntry>> list_allow(const PageRequest& request) = 0;

    virtual Result<PanicState> panic() = 0;
    virtual Result<PanicState> set_panic(const std::string& mode) = 0;  // "auto", "on", "off"

    // What runs for a limited time stays. False when there is nothing to confirm.
    virtual bool confirm() = 0;

    virtual Result<WhyReport> why(const Prefix& target) = 0;

    // `done` is called once, on the control thread, about `time` later. Returns what to call when nobody waits for it any more.
    virtual std::function<void()> profile(std::chrono::seconds time,
                                          std::function<void(Result<ProfileReport>)> done) = 0;

    // From the file, all or nothing. `done` is called once, on the control thread; loading programs anew takes some hundred ms.
    virtual void reload(std::function<void(Result<ReloadReport>)> done) = 0;
    // Receive channels of the named interface, of all when empty. Returns those that have other ones now.
    virtual Result<std::vector<std::string>> change_channels(const std::string& interface, std::uint32_t count) = 0;
    virtual Result<std::string> configuration() = 0;  // effective, as TOML
};

// Puts every method of control/wire/protocol.h on the server; all three must outlive it. New events reach those who follow.
void register_methods(Server& server, ControlSurface& surface, EventLog& events);

}  // namespace gabion::daemon
