// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/json.h"

#include <nlohmann/json.hpp>

#include "bpf/abi/table.h"

namespace gabion::daemon {
namespace {

template <typename Value>
Json object_of(const std::vector<std::pair<std::string, Value>>& pairs) {
    Json object = Json::object();
    for (const auto& [name, value] : pairs)
        object[name] = value;
    return object;
}

Json to_json(const Traffic& traffic) {
    return {{"received", traffic.received}, {"passed", traffic.passed},           {"forwarded", traffic.forwarded},
            {"answered", traffic.answered}, {"handed_over", traffic.handed_over}, {"dropped", traffic.dropped}};
}

Json to_json(const WorkerTotals& workers) {
    return {{"received", workers.received},   {"handed_back", workers.handed_back}, {"dropped", workers.dropped},
            {"in_flight", workers.in_flight}, {"tx_failed", workers.tx_failed},     {"lost", workers.lost},
            {"late", workers.late},           {"drops", object_of(workers.drops)}};
}

Json to_json(const std::vector<CpuCounters>& cpus) {
    Json list = Json::array();
    for (const CpuCounters& cpu : cpus)
        list.push_back({{"cpu", cpu.cpu},
                        {"packets", to_json(cpu.packets)},
                        {"bytes", to_json(cpu.bytes)},
                        {"drops", object_of(cpu.drops)}});
    return list;
}

Json to_json(const InterfaceStatus& interface) {
    Json workers = Json::array();
    for (const WorkerStatus& worker : interface.workers)
        workers.push_back({{"queue", worker.queue},
                           {"cpu", worker.cpu},
                           {"alive", worker.alive},
                           {"late", worker.late},
                           {"in_flight", worker.in_flight}});
    Json status{{"name", interface.name},       {"mode", interface.mode},       {"backend", interface.backend},
                {"attach", interface.attach},   {"present", interface.present}, {"note", interface.note},
                {"workers", std::move(workers)}};
    if (!interface.peer.empty()) status["peer"] = interface.peer;
    return status;
}

Json to_json(const Finding& finding) {
    Json object{{"kind", finding.kind}, {"text", finding.text}, {"fields", object_of(finding.fields)}};
    if (finding.ban) object["ban"] = to_json(*finding.ban);
    return object;
}

template <typename Entry>
Json page_of(const Page<Entry>& page) {
    Json entries = Json::array();
    for (const Entry& entry : page.entries)
        entries.push_back(to_json(entry));
    return {{"entries", std::move(entries)}, {"next", page.next ? Json(*page.next) : Json()}};
}

}  // namespace

Json skip_names(unsigned skip) {
    Json names = Json::array();
    if ((skip & GABION_SKIP_BANS) != 0) names.push_back("bans");
    if ((skip & GABION_SKIP_RATES) != 0) names.push_back("rates");
    if ((skip & GABION_SKIP_VALIDATION) != 0) names.push_back("validation");
    return names;
}

Json to_json(const PanicState& panic) {
    return {{"mode", panic.mode},       {"tripped", panic.tripped},       {"rate_pps", panic.rate_pps},
            {"learned", panic.learned}, {"drop_ratio", panic.drop_ratio}, {"trips", panic.trips},
            {"met", panic.met},         {"dropped", panic.dropped}};
}

double in_us(std::uint64_t ns) { return static_cast<double>(ns) / 1000; }

Json to_json(const Status& status) {
    Json interfaces = Json::array();
    for (const InterfaceStatus& interface : status.interfaces)
        interfaces.push_back(to_json(interface));
    return {{"version", status.version},
            {"kernel", status.kernel},
            {"uptime_s", status.uptime.count()},
            {"dry_run", status.dry_run},
            {"trial_left_s", status.trial_left ? Json(status.trial_left->count()) : Json()},
            {"interfaces", std::move(interfaces)},
            {"panic", to_json(status.panic)},
            {"bans", status.bans},
            {"quarantined", status.quarantined},
            {"allowed", status.allowed},
            {"features", object_of(status.features)},
            {"feature_notes", object_of(status.feature_notes)},
            {"learning", status.learning},
            {"attacks", status.attacks},
            {"verdicts",
             {{"count", status.verdicts},
              {"median_us", in_us(status.verdict_median_ns)},
              {"p99_us", in_us(status.verdict_p99_ns)},
              {"worst_us", in_us(status.verdict_worst_ns)}}},
            {"memory", {{"resident_bytes", status.resident_bytes}, {"table_bytes", status.table_bytes}}}};
}

Json to_json(const Counters& counters) {
    return {{"packets", to_json(counters.packets)},
            {"bytes", to_json(counters.bytes)},
            {"drops", object_of(counters.drops)},
            {"passes", object_of(counters.passes)},
            {"would_drop", object_of(counters.would_drop)},
            {"workers", to_json(counters.workers)},
            {"identity", {{"holds", counters.identity_holds}, {"off_by", counters.identity_off_by}}},
            {"nic", object_of(counters.nic)}};
}

Json to_json(const CountersReport& report) {
    Json object = to_json(report.total);
    Json interfaces = Json::object();
    for (const InterfaceCounters& interface : report.interfaces) {
        Json one = to_json(interface.counters);
        if (!interface.cpus.empty()) one["cpus"] = to_json(interface.cpus);
        interfaces[interface.name] = std::move(one);
    }
    object["interfaces"] = std::move(interfaces);
    if (!report.cpus.empty()) object["cpus"] = to_json(report.cpus);
    return object;
}

Json to_json(const EvidenceReport& evidence) {
    if (evidence.detector.empty()) return Json::object();
    Json figures = Json::object();
    for (const EvidenceFigure& figure : evidence.figures)
        figures[figure.name] = {{"value", figure.value}, {"threshold", figure.threshold}};
    return {{"detector", evidence.detector},
            {"standing", evidence.standing},
            {"window_ms", evidence.window_ms},
            {"samples", evidence.samples},
            {"figures", std::move(figures)}};
}

Json to_json(const BanEntry& ban) {
    return {{"target", ban.target.text()},
            {"tier", ban.tier},
            {"reason", ban.reason},
            {"note", ban.note},
            {"since", wire::utc_text(ban.since)},
            {"expires", ban.expires ? Json(wire::utc_text(*ban.expires)) : Json()},
            {"hits", ban.hits},
            {"evidence", to_json(ban.evidence)}};
}

Json to_json(const AllowEntry& allow) {
    return {{"target", allow.target.text()},
            {"skip", skip_names(allow.skip)},
            {"note", allow.note},
            {"origin", allow.origin},
            {"since", wire::utc_text(allow.since)}};
}

Json to_json(const Page<BanEntry>& page) { return page_of(page); }

Json to_json(const Page<AllowEntry>& page) { return page_of(page); }

Json to_json(const WhyReport& report) {
    Json findings = Json::array();
    for (const Finding& finding : report.findings)
        findings.push_back(to_json(finding));
    return {{"target", report.target.text()}, {"verdict", report.verdict}, {"findings", std::move(findings)}};
}

Json to_json(const ReloadReport& report) {
    return {{"changed", report.changed}, {"restart_needed", report.restart_needed}};
}

Json to_json(const Event& event) {
    return {{"id", event.id},
            {"time", wire::utc_text(event.time)},
            {"kind", event.kind},
            {"text", event.text},
            {"fields", object_of(event.fields)}};
}

}  // namespace gabion::daemon
