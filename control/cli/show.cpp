// SPDX-License-Identifier: Apache-2.0
#include "control/cli/show.h"

#include <cmath>
#include <ostream>

#include <nlohmann/json.hpp>

namespace gabion::cli {
namespace {

long long whole_us(const Json& object, const char* key) {
    const Json& value = member(object, key);
    return value.is_number() ? std::llround(value.get<double>()) : 0;
}

bool flag_of(const Json& object, const char* key) {
    const Json& value = member(object, key);
    return value.is_boolean() && value.get<bool>();
}

std::string worker_text(const Json& workers) {
    std::size_t alive = 0;
    std::string cpus;
    for (const Json& worker : workers) {
        if (flag_of(worker, "alive")) ++alive;
        cpus += (cpus.empty() ? "" : ", ") + std::to_string(count_of(worker, "cpu"));
    }
    if (workers.empty()) return "none";
    return std::to_string(alive) + " of " + std::to_string(workers.size()) + " alive, on CPU " + cpus;
}

std::string figure_text(double value) {
    std::string text(32, '\0');
    text.resize(static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%.6g", value)));
    return text;
}

std::string seconds_of(const std::string& time) {
    return time.size() > 19 ? time.substr(0, 10) + " " + time.substr(11, 8) : time;
}

void show_evidence(std::ostream& out, const Json& evidence) {
    if (!evidence.is_object() || evidence.empty()) return;
    const std::string detector = text_of(evidence, "detector");
    out << "      " << detector << " detector, evidence " << text_of(evidence, "standing") << ": "
        << grouped(count_of(evidence, "samples")) << (detector == "escalation" ? " offenders in " : " packets in ")
        << count_of(evidence, "window_ms") << " ms\n";
    for (const auto& [name, figure] : member(evidence, "figures").items())
        out << "      " << printable(name) << " " << figure_text(figure.value("value", 0.0)) << " (threshold "
            << figure_text(figure.value("threshold", 0.0)) << ")\n";
}

void show_features(std::ostream& out, const Json& status) {
    std::string on;
    for (const auto& [name, enabled] : member(status, "features").items()) {
        const std::string why = text_of(member(status, "feature_notes"), name.c_str());
        if (enabled.is_boolean() && enabled.get<bool>()) {
            on += (on.empty() ? "" : ", ") + printable(name);
            if (!why.empty()) out << "on           " << printable(name) << ": " << why << '\n';
            continue;
        }
        out << "off          " << printable(name) << (why.empty() ? "" : ": " + why) << '\n';
    }
    if (!on.empty()) out << "features     " << on << '\n';
}

}  // namespace

const Json& member(const Json& object, const char* key) {
    static const Json nothing;
    const auto found = object.find(key);
    return found == object.end() ? nothing : *found;
}

std::uint64_t count_of(const Json& object, const char* key) {
    const Json& value = member(object, key);
    return value.is_number() ? value.get<std::uint64_t>() : 0;
}

std::string text_of(const Json& object, const char* key, const char* fallback) {
    if (!object.is_object()) return fallback;
    const Json& value = member(object, key);
    return value.is_string() ? printable(value.get_ref<const std::string&>()) : fallback;
}

std::string list_text(const Json& list) {
    std::string text;
    for (const Json& item : list)
        if (item.is_string()) text += (text.empty() ? "" : ", ") + printable(item.get_ref<const std::string&>());
    return text.empty() ? "nothing" : text;
}

void show_panic(std::ostream& out, const Json& panic) {
    const std::string mode = text_of(panic, "mode");
    out << "breaker      " << mode << ", " << (flag_of(panic, "tripped") ? "TRIPPED" : "not tripped");
    const auto rate = count_of(panic, "rate_pps");
    if (mode == "auto" && rate == 0) out << "; its rate is still being learned";
    if (mode == "auto" && rate > 0)
        out << "; trips above " << grouped(rate) << " packets/s a CPU"
            << (flag_of(panic, "learned") ? " (learned)" : "");
    if (const Json& ratio = member(panic, "drop_ratio"); mode != "off" && ratio.is_number())
        out << ", then drops " << figure_text(ratio.get<double>() * 100) << " % of unprotected packets";
    out << '\n';
    const auto met = count_of(panic, "met");
    if (met > 0)
        out << "             tripped " << grouped(count_of(panic, "trips")) << " times; dropped "
            << grouped(count_of(panic, "dropped")) << " of " << grouped(met) << " unprotected packets ("
            << share_text(count_of(panic, "dropped"), met) << ")\n";
}

void show_status(std::ostream& out, const Json& status) {
    out << "gabiond " << text_of(status, "version") << " on Linux " << text_of(status, "kernel") << ", up "
        << span_text(static_cast<std::int64_t>(count_of(status, "uptime_s"))) << "\n\n";
    if (flag_of(status, "dry_run")) out << "DRY RUN: everything is decided and counted, nothing is dropped\n\n";
    if (const Json& left = member(status, "trial_left_s"); left.is_number())
        out << "TRIAL: in " << span_text(left.get<std::int64_t>())
            << " everything is taken off, unless `gabion confirm` is given\n\n";
    Table table({{"INTERFACE"}, {"MODE"}, {"ATTACHED"}, {"WORKERS"}, {"NOTE"}});
    for (const Json& interface : member(status, "interfaces"))
        table.add({text_of(interface, "name"), text_of(interface, "mode"), text_of(interface, "attach"),
                   worker_text(member(interface, "workers")), text_of(interface, "note")});
    table.print(out);
    out << '\n';
    show_panic(out, member(status, "panic"));
    out << "bans         " << grouped(count_of(status, "bans")) << '\n'
        << "quarantined  " << grouped(count_of(status, "quarantined")) << '\n'
        << "allowed      " << grouped(count_of(status, "allowed")) << '\n';
    const auto attacks = count_of(status, "attacks");
    out << "attacks      " << (attacks == 0 ? std::string("none") : grouped(attacks) + " going on") << '\n'
        << "baselines    " << (flag_of(status, "learning") ? "being learned; defaults protect until then" : "learned")
        << '\n';
    show_features(out, status);
    const Json& verdicts = member(status, "verdicts");
    if (count_of(verdicts, "count") > 0)
        out << "verdicts     " << grouped(count_of(verdicts, "count")) << ", in force after "
            << whole_us(verdicts, "median_us") << " us (median), at most " << whole_us(verdicts, "worst_us") << " us\n";
    const Json& memory = member(status, "memory");
    if (memory.is_object())
        out << "memory       " << bytes_text(count_of(memory, "resident_bytes")) << " resident, and "
            << bytes_text(count_of(memory, "table_bytes")) << " of tables shared with the kernel\n";
}

void show_why(std::ostream& out, const Json& report) {
    out << text_of(report, "target") << ": " << text_of(report, "verdict") << '\n';
    for (const Json& finding : member(report, "findings")) {
        out << "  - " << text_of(finding, "text") << '\n';
        if (const Json& ban = member(finding, "ban"); ban.is_object()) {
            const std::string expires = text_of(ban, "expires");
            out << "      " << text_of(ban, "target") << ", " << text_of(ban, "tier") << ", " << text_of(ban, "reason")
                << ", since " << seconds_of(text_of(ban, "since")) << ", until "
                << (expires.empty() ? "taken out" : seconds_of(expires)) << ", " << grouped(count_of(ban, "hits"))
                << " packets dropped\n";
            if (const auto note = text_of(ban, "note"); !note.empty()) out << "      note: " << note << '\n';
            show_evidence(out, member(ban, "evidence"));
        }
        for (const auto& [name, value] : member(finding, "fields").items())
            out << "      " << printable(name) << ": "
                << (value.is_string() ? printable(value.get<std::string>()) : value.dump()) << '\n';
    }
}

void show_reload(std::ostream& out, const Json& report) {
    const Json& changed = member(report, "changed");
    const Json& restart = member(report, "restart_needed");
    out << (changed.empty() ? "nothing changed" : "in force: " + list_text(changed)) << '\n';
    if (!restart.empty()) out << "needs a restart of gabiond: " << list_text(restart) << '\n';
}

void show_event(std::ostream& out, const Json& event) {
    out << seconds_of(text_of(event, "time")) << "  " << text_of(event, "kind") << "  " << text_of(event, "text")
        << '\n';
}

Table ban_table() {
    return Table(
        {{"TARGET"}, {"TIER"}, {"REASON"}, {"SINCE (UTC)"}, {"EXPIRES (UTC)"}, {"HITS", Align::right}, {"NOTE"}});
}

void add_ban_row(Table& table, const Json& ban) {
    table.add({text_of(ban, "target"), text_of(ban, "tier"), text_of(ban, "reason"), seconds_of(text_of(ban, "since")),
               seconds_of(text_of(ban, "expires", "never")), grouped(count_of(ban, "hits")), text_of(ban, "note")});
}

Table allow_table() { return Table({{"TARGET"}, {"SKIPS"}, {"FROM"}, {"SINCE (UTC)"}, {"NOTE"}}); }

void add_allow_row(Table& table, const Json& allow) {
    table.add({text_of(allow, "target"), list_text(member(allow, "skip")), text_of(allow, "origin"),
               seconds_of(text_of(allow, "since")), text_of(allow, "note")});
}

}  // namespace gabion::cli
