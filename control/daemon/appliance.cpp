// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/appliance.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>

#include "control/daemon/load_in_progress.h"
#include "control/daemon/profiler.h"
#include "control/daemon/protection.h"
#include "control/daemon/reading.h"
#include "control/daemon/reloader.h"
#include "control/daemon/resident_memory.h"
#include "control/daemon/settings.h"
#include "dataplane/core/clock.h"
#include "dataplane/counter/totals.h"

namespace gabion::daemon {
namespace {

std::string kernel_release() {
    utsname name{};
    return ::uname(&name) == 0 ? name.release : "unknown";
}

InterfaceStatus inside_status(const Interface::InsideView& port, const Interface& outside) {
    return {.name = port.name,
            .mode = "inline",
            .attach = port.attach,
            .present = port.present,
            .note = port.note,
            .workers = {},
            .peer = outside.settings().name,
            .backend = outside.backend()};
}

InterfaceStatus interface_status(Interface& interface, std::uint32_t now_ticks) {
    InterfaceStatus status;
    status.backend = interface.backend();
    status.name = interface.settings().name;
    status.peer = interface.settings().peer;
    status.mode = status.peer.empty() ? "host" : "inline";
    status.attach = interface.attach_name();
    status.present = interface.present();
    status.note = interface.note();
    for (const auto& worker : interface.workers(now_ticks))
        status.workers.push_back({.queue = worker.queue,
                                  .cpu = worker.cpu,
                                  .alive = worker.alive,
                                  .late = worker.late,
                                  .in_flight = worker.in_flight});
    return status;
}

// Switches an operator sees as one: whether it works now, and why not.
void put_features(Status& status, const config::Config& config, const SynKeeper& syn,
                  const std::vector<std::unique_ptr<Interface>>& interfaces) {
    const auto feature = [&](const char* name, bool on, const std::string& why_not) {
        status.features.emplace_back(name, on);
        if (!on && !why_not.empty()) status.feature_notes.emplace_back(name, why_not);
    };
    const auto on_xdp = [](const auto& interface) { return interface->xdp() != nullptr; };
    const bool programs = std::any_of(interfaces.begin(), interfaces.end(), on_xdp);
    bool native = programs;
    bool hand_over = !interfaces.empty();
    std::string note;
    for (const auto& interface : interfaces) {
        if (const ProtectedInterface* one = interface->xdp())
            native = native && one->present() && one->attach() == map::AttachMode::native;
        hand_over = hand_over && interface->handing_over();
        if (!interface->note().empty()) note = interface->settings().name + ": " + interface->note();
    }
    feature("native_xdp", native,
            !programs      ? "no interface is on XDP"
            : note.empty() ? "an interface is attached in generic mode or away"
                           : note);
    const char* const switched_off = "switched off in the configuration";
    if (!config.features.handover) note = switched_off;
    feature("handover", hand_over && config.features.handover, note.empty() ? "an interface has no workers" : note);
    feature("breaker", config.features.breaker && config.panic.mode != "off", switched_off);
    feature("quarantine", config.features.quarantine, switched_off);
    feature("destination_caps", config.features.destinations, switched_off);
    feature("ban_hits", config.features.hits, switched_off);
    const bool noting =
        std::all_of(interfaces.begin(), interfaces.end(), [](const auto& interface) { return interface->noting(); });
    const char* const unnoted = "an interface is away, or its packets out cannot be watched";
    for (const auto& [name, wanted] : {std::pair{"connections", config.connections.enabled},
                                       std::pair{"amplification", config.amplification.enabled}})
        feature(name, wanted && noting, wanted ? unnoted : switched_off);
    feature("caps", config.caps.enabled, switched_off);
    feature("source_rates", config.sources.enabled, switched_off);
    feature("sampling", config.sampling.one_in != 0, "sampling.one_in is 0");
    feature("validation", checks(config) != 0, "switched off in the configuration");
    feature("detector_rate", config.detectors.rate.enabled, "switched off in the configuration");
    feature("detector_entropy", config.detectors.entropy.enabled, "switched off in the configuration");
    feature("detector_ttl", config.detectors.ttl.enabled, "switched off in the configuration");
    feature("detector_size", config.detectors.size.enabled, "switched off in the configuration");
    feature("detector_syn_fin", config.detectors.syn_fin.enabled, "switched off in the configuration");
    feature("syn_cookies", syn.cookies(), syn.note());
    if (syn.cookies()) status.feature_notes.emplace_back("syn_cookies", syn.note());
    const auto is_pair = [](const auto& interface) { return !interface->settings().peer.empty(); };
    const auto forwards = [&](const auto& interface) {
        if (!is_pair(interface)) return true;
        const auto inside = interface->inside_view();
        return interface->present() && inside && inside->present;
    };
    const bool pairs = std::any_of(interfaces.begin(), interfaces.end(), is_pair);
    feature("inline_mode", pairs && std::all_of(interfaces.begin(), interfaces.end(), forwards),
            pairs ? "a port of a pair is away" : "no interface is configured for it");
}

// What all interfaces counted, as it is put together.
struct Collected {
    bool per_core = false;
    CountersReport report;
    Reading all;
    std::vector<counter::Totals> cores;

    void add(const std::string& name, const Reading& one, std::span<const gabion_cpu> cpus, counter::Mode mode) {
        all += one;
        std::vector<CpuCounters> of_cpus;
        cores.resize(std::max(cores.size(), cpus.size()));
        for (unsigned i = 0; i < cpus.size(); ++i) {
            const counter::Totals totals = counter::of_cpu(cpus[i], mode);
            cores[i] += totals;
            if (per_core) of_cpus.push_back(cpu_counters(i, totals));
        }
        report.interfaces.push_back({name, counters_of(one), std::move(of_cpus)});
    }
};

}  // namespace

Appliance::Appliance(std::unique_ptr<Protection> protection)
    : protection_(std::move(protection)),
      profiler_(std::make_unique<Profiler>(*protection_)),
      reloader_(std::make_unique<Reloader>(*protection_,
                                           [this] { profiler_->stop("a reload puts other programs in place"); })) {}

Appliance::~Appliance() = default;

Result<std::unique_ptr<Service>> Appliance::make(const config::Config& config, EventLoop& loop, EventLog& events) {
    auto protection = std::make_unique<Protection>(config, loop, events);
    if (auto opened = protection->open(); !opened) return opened.error();
    return std::unique_ptr<Service>(new Appliance(std::move(protection)));
}

void Appliance::apply(const config::Config& next, std::function<void(Result<ReloadReport>)> done) {
    reloader_->start(next, std::move(done));
}

bool Appliance::keeps_enforcing() { return protection_->config().on_stop == "keep"; }

Result<std::vector<std::string>> Appliance::change_channels(const std::string& interface, std::uint32_t count) {
    std::vector<std::string> changed;
    bool found = interface.empty();
    for (const auto& one : protection_->interfaces()) {
        const std::string& name = one->settings().name;
        if (!interface.empty() && name != interface && one->settings().peer != interface) continue;
        found = true;
        const auto done = one->change_channels(count);
        if (!done) return done.error();
        if (*done) changed.push_back(name);
    }
    if (!found) return Error{"interface " + interface + " is not one of the protected ones", EINVAL};
    return changed;
}

void Appliance::stop(bool keep_enforcing) {
    reloader_->stop("gabiond stops");
    profiler_->stop("gabiond stops");
    protection_->close(keep_enforcing);
}

std::function<void()> Appliance::profile(std::chrono::seconds time, std::function<void(Result<ProfileReport>)> done) {
    for (const auto& interface : protection_->interfaces()) {
        if (interface->xdp() != nullptr) continue;
        done(Error{interface->settings().name + " is on DPDK; a profile times programs in the kernel", ENOTSUP});
        return {};
    }
    if (reloader_->busy()) {
        done(Error{"a reload puts other programs in place; a profile can begin when it has ended", EBUSY});
        return {};
    }
    return profiler_->start(time, std::move(done));
}

std::string Appliance::summary() {
    std::string names;
    for (const auto& interface : protection_->interfaces())
        names += (names.empty() ? "" : ", ") + interface->settings().name;
    return names + (protection_->config().dry_run ? " (dry run: nothing is dropped)" : "");
}

Result<PanicState> Appliance::panic() {
    const PanicKeeper& keeper = protection_->panic();
    PanicState state;
    state.mode = panic_mode_name(keeper.settings().mode);
    state.tripped = keeper.settings().mode == GABION_PANIC_ON || keeper.tripped();
    state.learned = keeper.settings().rate_pps == 0 && keeper.learned_peak_pps() > 0;
    state.rate_pps = keeper.rate_pps();
    state.drop_ratio = keeper.settings().drop_ratio;
    for (const auto& interface : protection_->interfaces()) {
        const counter::Totals totals = interface->totals();
        state.trips += totals.breaker_trips;
        state.met += totals.breaker_met;
        state.dropped += totals.reason[GABION_REASON_BREAKER].packets;
    }
    return state;
}

Result<PanicState> Appliance::set_panic(const std::string& mode) {
    if (mode == "on" && !protection_->config().features.breaker)
        return Error{"the breaker is switched off: [features] breaker = true and a reload bring it back", ENOTSUP};
    PanicSettings settings = protection_->panic().settings();
    settings.mode = panic_mode(mode);
    protection_->panic().configure(settings);
    protection_->panic().apply(protection_->tables().control().panic);
    protection_->events().raise(Severity::notice, "panic", "the breaker is " + mode);
    return panic();
}

Result<Status> Appliance::status() {
    Status status;
    status.version = GABION_VERSION;
    status.kernel = kernel_release();
    status.uptime = std::chrono::seconds((boot_now_ns() - protection_->started_ns()) / 1'000'000'000);
    status.dry_run = protection_->config().dry_run;
    if (trial_left) status.trial_left = trial_left();
    for (const auto& interface : protection_->interfaces()) {
        status.interfaces.push_back(interface_status(*interface, protection_->tables().now_ticks()));
        if (const auto inside = interface->inside_view())
            status.interfaces.push_back(inside_status(*inside, *interface));
    }
    status.panic = *panic();
    const ban::BanBook& book = protection_->tables().book();
    status.bans = book.size(GABION_SET_OPERATOR) + book.size(GABION_SET_DETECTOR);
    status.quarantined = book.size(GABION_SET_QUARANTINE);
    status.allowed = book.size(GABION_SET_ALLOW);
    put_features(status, protection_->config(), protection_->syn(), protection_->interfaces());
    protection_->analyst().with([&](const detect::Analyst& analyst) {
        status.learning = !analyst.learned();
        status.attacks = analyst.under_attack() ? 1 : 0;
    });
    const ban::VerdictReport& verdicts = protection_->verdict_report();
    status.verdicts = verdicts.verdicts;
    status.verdict_median_ns = verdicts.latency.quantile_ns(0.5);
    status.verdict_p99_ns = verdicts.latency.quantile_ns(0.99);
    status.verdict_worst_ns = verdicts.latency.worst_ns();
    status.resident_bytes = resident_bytes();
    status.table_bytes = protection_->tables().shared().bytes();
    for (const auto& interface : protection_->interfaces())
        status.table_bytes += interface->table_bytes();
    return status;
}

Result<CountersReport> Appliance::counters(bool per_core) {
    Collected collected{.per_core = per_core, .report = {}, .all = {}, .cores = {}};
    for (const auto& interface : protection_->interfaces()) {
        const Reading one{interface->totals(),
                          interface->worker_totals(),
                          interface->in_flight(),
                          interface->socket_statistics(),
                          interface->port_counts(GABION_SIDE_OUTSIDE),
                          interface->discards(GABION_SIDE_OUTSIDE)};
        collected.add(interface->settings().name, one, interface->cpus(), interface->counter_mode());
        const auto port = interface->inside_view();
        if (!port) continue;
        const Reading inside{interface->inside_totals(),
                             {},
                             0,
                             {},
                             interface->port_counts(GABION_SIDE_INSIDE),
                             interface->discards(GABION_SIDE_INSIDE)};
        collected.add(port->name, inside, interface->inside_cpus(), counter::Mode::inline_port);
    }
    CountersReport report = std::move(collected.report);
    report.total = counters_of(collected.all);
    for (unsigned i = 0; per_core && i < collected.cores.size(); ++i)
        report.cpus.push_back(cpu_counters(i, collected.cores[i]));
    return report;
}

Result<std::string> Appliance::configuration() { return config_text(protection_->config()); }

}  // namespace gabion::daemon
