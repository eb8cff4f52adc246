// SPDX-License-Identifier: Apache-2.0
// One screen of `gabion top`: what goes on at present, the largest reasons first.
#include <algorithm>
#include <ostream>

#include <nlohmann/json.hpp>

#include "control/cli/show.h"

namespace gabion::cli {
namespace {

constexpr std::size_t reasons_max = 12;

double rate(const Json& before, const Json& after, const char* key, double seconds) {
    const std::uint64_t was = count_of(before, key), is = count_of(after, key);
    return is > was && seconds > 0 ? static_cast<double>(is - was) / seconds : 0;  // a restart may have begun anew
}

Json rates(const Json& before, const Json& after, double seconds) {
    Json result = Json::object();
    for (const auto& [name, value] : after.items())
        if (value.is_number()) result[name] = rate(before, after, name.c_str(), seconds);
    return result;
}

std::string pps_text(const Json& rates, const char* key) { return grouped(count_of(rates, key)); }

// Bits a second, three figures: "1.25 Gbit/s".
std::string bits_text(double bytes) {
    double bits = bytes * 8;
    const char* unit = "bit/s";
    for (const char* larger : {"kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"}) {
        if (bits < 1000) break;
        bits /= 1000;
        unit = larger;
    }
    char text[32];
    std::snprintf(text, sizeof text, "%.3g %s", bits, unit);
    return text;
}

void show_interfaces(std::ostream& out, const Json& report) {
    Table table({{"INTERFACE"},
                 {"RECEIVED/s", Align::right},
                 {"", Align::right},
                 {"PASSED/s", Align::right},
                 {"FORWARDED/s", Align::right},
                 {"ANSWERED/s", Align::right},
                 {"HANDED OVER/s", Align::right},
                 {"DROPPED/s", Align::right}});
    for (const auto& [name, one] : member(report, "interfaces").items()) {
        const Json& packets = member(one, "packets");
        const Json& bytes = member(member(one, "bytes"), "received");
        table.add({printable(name), pps_text(packets, "received"),
                   bits_text(bytes.is_number() ? bytes.get<double>() : 0), pps_text(packets, "passed"),
                   pps_text(packets, "forwarded"), pps_text(packets, "answered"), pps_text(packets, "handed_over"),
                   pps_text(packets, "dropped")});
    }
    table.print(out);
}

void show_reasons(std::ostream& out, const Json& report) {
    std::vector<std::pair<double, std::string>> busy;
    for (const char* kind : {"drops", "passes"})
        for (const auto& [name, value] : member(report, kind).items())
            if (value.is_number() && value.get<double>() >= 0.5)
                busy.emplace_back(value.get<double>(), (kind[0] == 'd' ? "dropped: " : "passed: ") + printable(name));
    std::sort(busy.rbegin(), busy.rend());
    Table table({{"WHY"}, {"PACKETS/s", Align::right}});
    for (std::size_t i = 0; i < std::min(busy.size(), reasons_max); ++i)
        table.add({busy[i].second, grouped(static_cast<std::uint64_t>(busy[i].first))});
    if (table.rows() == 0) return;
    out << '\n';
    table.print(out);
}

}  // namespace

Json top_report(const Json& status, const Json& before, const Json& after, double seconds) {
    const auto part = [&](const Json& was, const Json& is) {
        Json result = Json::object();
        for (const char* key : {"packets", "bytes", "drops", "passes"})
            result[key] = rates(member(was, key), member(is, key), seconds);
        return result;
    };
    Json report = part(before, after);
    report["seconds"] = seconds;
    report["identity"] = member(after, "identity");
    for (const char* key : {"panic", "bans", "quarantined", "allowed", "attacks", "learning", "dry_run"})
        report[key] = member(status, key);
    report["interfaces"] = Json::object();
    for (const auto& [name, one] : member(after, "interfaces").items())
        report["interfaces"][name] = part(member(member(before, "interfaces"), name.c_str()), one);
    return report;
}

void show_top(std::ostream& out, const Json& report) {
    const auto attacks = count_of(report, "attacks");
    const Json& dry_run = member(report, "dry_run");
    if (dry_run.is_boolean() && dry_run.get<bool>())
        out << "DRY RUN: everything is decided and counted, nothing is dropped\n";
    out << "attacks      " << (attacks == 0 ? std::string("none") : grouped(attacks) + " going on") << "; bans "
        << grouped(count_of(report, "bans")) << ", quarantined " << grouped(count_of(report, "quarantined")) << '\n';
    show_panic(out, member(report, "panic"));
    const Json& holds = member(member(report, "identity"), "holds");
    if (holds.is_boolean() && !holds.get<bool>()) out << "identity     does not hold at this moment\n";
    out << '\n';
    show_interfaces(out, report);
    show_reasons(out, report);
}

}  // namespace gabion::cli
