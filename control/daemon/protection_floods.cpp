// SPDX-License-Identifier: Apache-2.0
// What Protection does about floods that the programs see by themselves: classes, SYNs, single sources.
#include <algorithm>
#include <utility>

#include "bpf/lib/flood.h"
#include "control/daemon/protection.h"
#include "control/daemon/settings.h"

namespace gabion::daemon {
namespace {

// Segments of no connection in 100 ms by which a flood of them is still on: above what idle scans and late resets make.
constexpr std::uint64_t unknown_lasting = 100;

constexpr std::uint32_t attended_s = 1;  // ten times what the daemon takes to come by again

}  // namespace

FloodTables Protection::flood_tables() {
    const map::MapGroup& shared = tables_->shared();
    return {tables_->control(), shared.values<gabion_cell>("cells"), shared.values<std::uint64_t>("port_rules")};
}

SourceTables Protection::source_tables() {
    const map::MapGroup& shared = tables_->shared();
    return {tables_->control(), shared.values<gabion_source_limits>("source_limits"),
            shared.values<std::uint64_t>("port_rules"), shared.values<gabion_offence>("offences")};
}

// What must not be learned from: an attack that a detector sees, or a flood that the kernel saw by itself.
bool Protection::under_attack() {
    return analyst_->with([](const detect::Analyst& analyst) { return analyst.under_attack(); }) ||
           gabion_flood_any(&tables_->control(), tables_->now_ticks()) != 0;
}

// Floods that a detector or the kernel itself sees; what is normal is learned from the rest.
void Protection::tend_floods() {
    gabion_control& control = tables_->control();
    const std::uint32_t now = tables_->now_ticks();
    const std::uint64_t answered = packets_under({GABION_REASON_SYN_ANSWERED});
    const std::uint64_t newly = answered - std::exchange(answered_seen_, answered);
    const bool attacked = analyst_->with([&](detect::Analyst& analyst) {
        analyst.note_answered(newly, monotonic_now_ns());
        tend_flood(control, analyst, now, tables_->clock().hz());
        return analyst.under_attack();
    });
    for (FloodEvent& event : floods_->tick(cpus_of_all(), now, monotonic_now_ns(), !attacked, flood_tables()))
        events_.raise(Severity::notice, event.kind, std::move(event.text));
}

std::vector<std::span<const gabion_cpu>> Protection::cpus_of_all() const {
    std::vector<std::span<const gabion_cpu>> cpus;
    for (const auto& interface : interfaces_)
        cpus.push_back(interface->cpus());
    return cpus;
}

std::uint64_t Protection::packets_under(std::initializer_list<gabion_reason> reasons) const {
    std::uint64_t packets = 0;
    for (const auto cpus : cpus_of_all())
        for (const gabion_cpu& cpu : cpus)
            for (const gabion_reason reason : reasons)
                packets += cpu.reason[reason].packets + cpu.would_drop[reason].packets;
    return packets;
}

// What is dropped as a segment of no connection no detector sees any more: such a flood lasts for as long as it is dropped.
void Protection::prolong_flood() {
    gabion_control& control = tables_->control();
    const std::uint64_t unknown =
        packets_under({GABION_REASON_ACK_UNKNOWN, GABION_REASON_RST_UNKNOWN, GABION_REASON_SYNACK_UNASKED});
    const std::uint64_t more = unknown - std::exchange(unknown_seen_, unknown);
    if (more >= unknown_lasting && gabion_flood_of(&control, GABION_FLOOD_TCP, tables_->now_ticks()) != 0)
        gabion_flood_raise(&control, GABION_FLOOD_TCP, tables_->now_ticks(), 2 * tables_->clock().hz());
}

// One interface on which a cookie would not be believed is enough: the way is the same for all.
void Protection::tend_syn() {
    gabion_syn_control& control = tables_->control().syn;
    SynObstacles obstacles;
    obstacles.nobody = "an inline pair forwards, and nobody listens here";
    std::uint32_t mtu = 1500;
    for (const auto& one : interfaces_) {
        const ProtectedInterface* interface = one->xdp();
        // A pair answers nobody in any case.
        if (interface == nullptr || !interface->settings().peer.empty()) continue;
        obstacles.nobody.clear();
        const std::string name = interface->settings().name + ": ";
        if (!interface->cookie_obstacle().empty()) obstacles.request = name + interface->cookie_obstacle();
        if (!interface->cookie_doubt().empty()) obstacles.answers = name + interface->cookie_doubt();
        if (!interface->answer_obstacle().empty()) obstacles.lost = name + interface->answer_obstacle();
        if (interface->link()) mtu = std::min(mtu, interface->link()->mtu);
    }
    obstacles.listener = map::listener_cookies_possible() ? cookie_switch_->obstacle()
                                                          : "the kernel lacks bpf_tcp_gen_syncookie() for XDP";
    if (syn_->choose(config_.syn, obstacles, mtu, control))
        events_.raise(Severity::notice, "syn-way", "against SYN floods: " + syn_->note());
    syn_->configure(config_.syn, floods_->trigger_pps(GABION_FLOOD_SYN), floods_->cap_pps(GABION_FLOOD_SYN), control);
}

// Ten times a second: which ports are engaged, and whether their listeners must be had to make cookies. In a dry run nothing of the host's
// is changed.
void Protection::watch_syn() {
    const std::uint32_t now = tables_->now_ticks();
    for (SynEvent& event : syn_->look(tables_->shared().values<gabion_syn_cell>("syn_cells"), now))
        events_.raise(Severity::notice, event.kind, std::move(event.text));
    tend_cookie_switch(syn_->needs_listeners() && !config_.dry_run);
    const std::uint32_t until = now + attended_s * tables_->clock().hz();
    const bool attends = syn_->way() == GABION_SYN_LISTENER && !config_.dry_run;
    tables_->control().syn.attended = attends ? until + (until == 0 ? 1 : 0) : 0;
}

void Protection::tend_cookie_switch(bool wanted) {
    if (const auto event = cookie_switch_->tend(wanted))
        events_.raise(event->bad ? Severity::warning : Severity::notice, "syn-sysctl", event->text);
}

// Sources that the kernel told of.
void Protection::tend_sources() {
    verdicts_.clear();
    sources_->collect(source_tables(), verdicts_);
    enforce();
}

}  // namespace gabion::daemon
