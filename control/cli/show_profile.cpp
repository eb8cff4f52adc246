// SPDX-License-Identifier: Apache-2.0
// `gabion profile` for a terminal: what a packet costs, where, what became of the packets, and how full the maps are.
#include <cstdio>
#include <ostream>

#include <nlohmann/json.hpp>

#include "control/cli/show.h"

namespace gabion::cli {
namespace {

// "12.3"
std::string tenths(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
}

std::string ns_of(const Json& object, const char* key) { return tenths(object.value(key, 0.0)); }

void show_programs(std::ostream& out, const Json& programs) {
    if (programs.empty()) return;
    Table table({{"PROGRAM"}, {"RUNS", Align::right}, {"NS A RUN", Align::right}});
    for (const Json& program : programs)
        table.add({text_of(program, "name"), grouped(count_of(program, "runs")),
                   count_of(program, "runs") == 0 ? "-" : ns_of(program, "ns")});
    out << '\n';
    table.print(out);
}

void show_stages(std::ostream& out, const Json& stages) {
    const std::uint64_t packets = count_of(stages, "packets");
    if (packets == 0) return;
    Table table({{"STAGE"},
                 {"OF PACKETS", Align::right},
                 {"MEAN NS", Align::right},
                 {"MEDIAN", Align::right},
                 {"P99", Align::right},
                 {"MOST", Align::right},
                 {"NS A PACKET", Align::right}});
    for (const Json& stage : member(stages, "list")) {
        const std::uint64_t met = count_of(stage, "packets");
        const double share = static_cast<double>(met) / static_cast<double>(packets);
        table.add({text_of(stage, "name"), share_text(met, packets), ns_of(stage, "mean_ns"), ns_of(stage, "median_ns"),
                   ns_of(stage, "p99_ns"), ns_of(stage, "most_ns"), tenths(stage.value("mean_ns", 0.0) * share)});
    }
    table.add({"all stages", "", "", "", "", "", ns_of(stages, "packet_ns")});
    out << '\n';
    table.print(out);
    out << grouped(packets) << " packets timed, one in " << count_of(stages, "one_in") << "; a reading of the clock, "
        << ns_of(stages, "clock_ns") << " ns, is taken off each\n";
}

void show_reasons(std::ostream& out, const Json& interface) {
    const std::uint64_t received = count_of(interface, "received");
    Table table({{"REASON"}, {"PACKETS", Align::right}, {"SHARE", Align::right}});
    for (const auto& [name, packets] : member(interface, "reasons").items())
        table.add({printable(name), grouped(packets.get<std::uint64_t>()),
                   share_text(packets.get<std::uint64_t>(), received)});
    table.add({"received", grouped(received), ""});
    out << '\n';
    table.print(out);
}

void show_maps(std::ostream& out, const Json& maps) {
    Table table({{"MAP"},
                 {"USED", Align::right},
                 {"SIZE", Align::right},
                 {"SHARE", Align::right},
                 {"OF"},
                 {"MEMORY", Align::right}});
    std::uint64_t empty = 0;
    for (const Json& map : maps) {
        const std::string interface = text_of(map, "interface");
        const std::uint64_t used = count_of(map, "used");
        if (used == 0) {
            ++empty;
            continue;
        }
        table.add({(interface.empty() ? "" : interface + "/") + text_of(map, "name"), grouped(used),
                   grouped(count_of(map, "size")), share_text(used, count_of(map, "size")), text_of(map, "unit"),
                   bytes_text(count_of(map, "bytes"))});
    }
    out << '\n';
    table.print(out);
    if (empty > 0) out << "empty maps: " << empty << " (--json names them)\n";
}

}  // namespace

void show_profile(std::ostream& out, const Json& profile) {
    out << "profiled for " << tenths(profile.value("seconds", 0.0)) << " s\n";
    for (const auto& [name, interface] : member(profile, "interfaces").items()) {
        out << "\ninterface " << printable(name) << " (" << text_of(interface, "attach") << ")\n";
        if (const std::string note = text_of(interface, "note"); !note.empty()) out << "no stages: " << note << '\n';
        show_programs(out, member(interface, "programs"));
        show_stages(out, member(interface, "stages"));
        show_reasons(out, interface);
    }
    if (const std::string note = text_of(profile, "programs_note"); !note.empty())
        out << "\nwhole programs were not measured: " << note << '\n';
    show_maps(out, member(profile, "maps"));
}

}  // namespace gabion::cli
