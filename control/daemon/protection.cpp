// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/protection.h"

#include <sys/epoll.h>
#include <sys/random.h>

#include <algorithm>
#include <span>
#include <utility>

#include "bpf/lib/flood.h"
#include "control/daemon/dpdk_interface.h"
#include "control/daemon/settings.h"
#include "control/daemon/spared.h"
#include "dataplane/core/amplifiers.h"
#include "dataplane/core/clock.h"
#include "dataplane/net/forwarding.h"
#include "dataplane/worker/placement.h"

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;

detect::HashKey random_key() {
    detect::HashKey key;
    while (::getrandom(&key, sizeof key, 0) != static_cast<ssize_t>(sizeof key)) {
    }
    return key;
}

Result<std::unique_ptr<Interface>> make_interface(const config::Config& config, const config::InterfaceConfig& one,
                                                  const Surroundings& surroundings) {
    InterfaceSettings settings = interface_settings(one, config.workers);
    if (one.backend == "dpdk")
        return make_dpdk_interface(std::move(settings), dpdk_settings(config.dpdk, one), surroundings);
    return std::unique_ptr<Interface>(std::make_unique<ProtectedInterface>(std::move(settings), surroundings));
}

}  // namespace

Protection::Protection(config::Config config, EventLoop& loop, EventLog& events)
    : config_(std::move(config)), loop_(loop), events_(events), started_ns_(boot_now_ns()), hash_(random_key()) {}

Protection::~Protection() {
    for (const EventLoop::TimerId timer : timers_)
        loop_.cancel(timer);
    if (links_) loop_.forget(links_->fd());
}

Result<void> Protection::open_tables() {
    auto tables = Tables::open(config_.state.pin, capacities(config_), book_options(config_));
    if (!tables) return tables.error();
    tables_ = std::move(*tables);
    panic_ = std::make_unique<PanicKeeper>(tables_->clock().hz());
    panic_->configure(panic_settings(config_));
    floods_ = std::make_unique<FloodKeeper>(tables_->clock().hz());
    sources_ = std::make_unique<SourceKeeper>(tables_->clock().hz(), tables_->control().sources.told);
    syn_ = std::make_unique<SynKeeper>(tables_->clock().hz());
    analyst_ = std::make_unique<AnalystThread>(detector_settings(config_), hash_,
                                               [this] { loop_.post([this] { decide(); }); });
    destinations_ = std::make_unique<ban::DestinationTable>(tables_->memory());
    writer_ = std::make_unique<ban::VerdictWriter>(
        tables_->book(), *destinations_,
        [this](const detect::Verdict& verdict, ban::Outcome outcome) { tell_verdict(verdict, outcome); });
    tables_->book().on_escalation(
        [this](const Prefix& prefix) {
            return why_spared(prefix, *tables_, analyst_->with([](const auto& a) { return a.calm_sources(); }));
        },
        [this](const Prefix& prefix, ban::Outcome outcome, const std::string& why) {
            events_.raise(Severity::notice, "escalated",
                          prefix.text() + ": " + (why.empty() ? ban::name_of(outcome) : "spared, " + why));
        });
    tables_->book().on_cut_off([this](const Prefix& target) { return sessions_.settled_in(target).has_value(); });
    auto keeper = Keeper::open(config_.state.directory);
    if (!keeper) return keeper.error();
    keeper_ = std::move(*keeper);
    cookie_switch_ = std::make_unique<CookieSwitch>(CookieSwitch::of_this_namespace(config_.state.directory));
    if (tables_->of_other_version())
        events_.raise(Severity::notice, "tables-anew",
                      "the tables in force are another version's and cannot be read: bans come from the saved state, "
                      "counters begin anew");
    tell_problems(keeper_->restore(*tables_, *analyst_, *panic_, *floods_));
    return {};
}

// What is likely to fail comes before anything is changed for programs that an earlier daemon left at work: interfaces that are not there,
// programs that the kernel refuses. One that is not there does not keep the others from being protected.
Result<void> Protection::prepare_interfaces() {
    std::vector<Error> missing;
    follow_renamed();
    for (const config::InterfaceConfig& interface : config_.interfaces) {
        const Surroundings surroundings{
            .pins = tables_->pins(),
            .shared = tables_->shared(),
            .clock = tables_->clock(),
            .facts = load_facts(config_, interface),
            .hash = hash_,
            .flows = tables_->flows(),
            .analyst = *analyst_,
            .keeper = *keeper_,
            .tell = [this](const char* kind, const std::string& text) { events_.raise(Severity::notice, kind, text); }};
        auto made = make_interface(config_, interface, surroundings);
        if (!made) return made.error();
        interfaces_.push_back(std::move(*made));
        identities_.emplace_back();
        if (auto prepared = interfaces_.back()->prepare(); !prepared) {
            if (prepared.error().code != ENODEV) return prepared;
            missing.push_back(prepared.error());
        }
    }
    if (missing.size() == interfaces_.size()) return missing.front();
    for (const Error& one : missing)
        events_.raise(Severity::warning, "interface-missing", one.text + "; it will be protected when it comes");
    return {};
}

Result<void> Protection::open_interfaces() {
    release_moved();
    for (const auto& interface : interfaces_) {
        if (!interface->prepared())
            interface->await();
        else if (auto opened = interface->open(); !opened)
            return opened;
    }
    return {};
}

void Protection::put_in_force(gabion_panic_mode mode) {
    gabion_control& control = tables_->control();
    const std::uint32_t hz = tables_->clock().hz();
    apply_sampling(config_, hz, control);
    apply_switches(config_, hz, control);
    control.connections.forwards = net::host_forwards() ? 1 : 0;
    PanicSettings panic = panic_settings(config_);
    panic.mode = mode;
    panic_->configure(panic);
    panic_->apply(control.panic);
    const ban::BookOptions book = book_options(config_);
    tables_->book().set_escalation(book.escalation);
    tables_->book().set_blast_radius(book.blast_addresses, book.blast_window_ns);
    floods_->configure(flood_settings(config_));
    floods_->apply(flood_tables());
    const map::MapGroup& shared = tables_->shared();
    write_amplifiers(with_own_amplifiers(config_.amplification.rule),
                     {.ports = shared.values<std::uint64_t>("amp_ports"),
                      .index = shared.values<std::uint64_t>("amp_index"),
                      .rules = shared.values<gabion_amp_rule>("amp_rules")});
    sources_->configure(source_settings(config_));
    sources_->apply(source_tables());
    analyst_->with([&](detect::Analyst& analyst) { analyst.configure(detector_settings(config_)); });
}

Result<void> Protection::watch_links() {
    auto watch = net::LinkWatch::open();
    if (!watch) return watch.error();
    links_ = std::make_unique<net::LinkWatch>(std::move(*watch));
    return loop_.watch(links_->fd(), EPOLLIN, [this](std::uint32_t) {
        const auto batch = links_->read();
        if (!batch) return;
        for (const auto& interface : interfaces_)
            interface->follow(*batch);
    });
}

void Protection::start_timers() {
    timers_.push_back(loop_.every(100ms, [this] {
        const std::uint64_t now_ns = boot_now_ns();
        tables_->book().sweep(now_ns);
        prolong_flood();
        tend_floods();
        tend_sources();
        destinations_->sweep(tables_->clock(), now_ns);
        watch_syn();
        tell_problems(keeper_->save_bans_when_changed(*tables_));
    }));
    timers_.push_back(loop_.every(1s, [this] { every_second(); }));
    timers_.push_back(loop_.every(5s, [this] { look_at_sessions(); }));
    timers_.push_back(loop_.every(60s, [this] { tell_problems(keeper_->save_learned(*analyst_, *panic_, *floods_)); }));
}

// What an earlier daemon left goes on; what is ours alone goes.
Result<void> Protection::give_up(Error why) {
    const bool keep = tables_->have_predecessor();
    for (const auto& interface : interfaces_)
        interface->close(keep);
    analyst_->stop();
    if (!keep) tables_->pins().clear();
    return why;
}

Result<void> Protection::open() {
    if (auto opened = open_tables(); !opened) return opened;
    if (auto prepared = prepare_interfaces(); !prepared) return give_up(prepared.error());
    destinations_->clear();
    if (auto allowed = tables_->book().replace_config_allow(config_.allow.targets, boot_now_ns()); !allowed)
        return give_up(allowed.error());
    put_in_force(panic_mode(config_.panic.mode));
    if (auto watched = watch_links(); !watched) return give_up(watched.error());
    analyst_->start();
    if (auto opened = open_interfaces(); !opened) return give_up(opened.error());
    tend_syn();
    watch_syn();
    release_former();
    start_timers();
    return {};
}

Result<void> Protection::apply(const config::Config& next) {
    if (auto allowed = tables_->book().replace_config_allow(next.allow.targets, boot_now_ns()); !allowed)
        return allowed;
    // What a person ordered stays until the configuration itself says something new.
    const bool mode_changed = next.panic.mode != config_.panic.mode;
    const gabion_panic_mode ordered = panic_->settings().mode;
    config_ = next;
    put_in_force(mode_changed ? panic_mode(config_.panic.mode) : ordered);
    cookie_switch_->forget_obstacle();
    for (const auto& interface : interfaces_)
        if (interface->xdp() != nullptr) interface->xdp()->forget_answer_obstacle();
    tend_syn();
    return {};
}

void Protection::close(bool keep_enforcing) {
    tables_->control().syn.attended = 0;
    tend_cookie_switch(false);
    for (const auto& interface : interfaces_)
        interface->close(keep_enforcing);
    analyst_->stop();
    decide();
    tell_problems(keeper_->save_all(*tables_, *analyst_, *panic_, *floods_));
    if (!keep_enforcing) tables_->pins().clear();
}

void Protection::tick_panic() {
    const bool calm = !under_attack();
    for (PanicEvent& event :
         panic_->tick(cpus_of_all(), tables_->now_ticks(), monotonic_now_ns(), calm, tables_->control().panic))
        events_.raise(Severity::notice, event.kind, std::move(event.text));
}

void Protection::feed_known_sources() {
    if (!under_attack()) {
        for (const Prefix& source :
             analyst_->with([](const detect::Analyst& analyst) { return analyst.calm_sources(); }))
            tables_->known().add(source);
    }
    tables_->known().sweep(boot_now_ns());
}

void Protection::every_second() {
    tables_->resample();
    tables_->control().connections.forwards = net::host_forwards() ? 1 : 0;
    tick_panic();
    tend_syn();
    feed_known_sources();
    tell_overflow();
    for (std::size_t i = 0; i < interfaces_.size(); ++i) {
        Interface& interface = *interfaces_[i];
        interface.tend();
        counter::Totals totals = interface.totals();
        totals += interface.inside_totals();
        const auto said = identities_[i].look(totals, interface.worker_totals(), interface.in_flight());
        if (said)
            events_.raise(Severity::warning, identities_[i].broken() ? "identity-broken" : "identity-holds",
                          interface.settings().name + ": " + *said);
    }
}

void Protection::look_at_sessions() {
    const auto& config = config_.operator_sessions;
    sessions_.configure(static_cast<std::uint64_t>(config.settled.count()) * 1'000'000);
    const auto established = net::established_to(config.ports);
    if (established) sessions_.note(*established, boot_now_ns());
    if (!established && !sessions_unknown_)
        events_.raise(Severity::warning, "sessions-unknown",
                      "the operator's sessions cannot be told, and are not spared: " + established.error().text);
    sessions_unknown_ = !established;
}

const OperatorSessions& Protection::operator_sessions() {
    look_at_sessions();
    return sessions_;
}

void Protection::tell_problems(const std::vector<std::string>& problems) {
    for (const std::string& problem : problems)
        events_.raise(Severity::warning, "state", problem);
}

}  // namespace gabion::daemon
