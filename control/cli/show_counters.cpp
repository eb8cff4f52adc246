// SPDX-License-Identifier: Apache-2.0
// The accounting identity as a picture: what came in, and where each packet went.
#include <array>
#include <ostream>

#include <nlohmann/json.hpp>

#include "control/cli/show.h"

namespace gabion::cli {
namespace {

void add_reasons(Table& table, const Json& reasons, std::uint64_t whole) {
    for (const auto& [name, count] : reasons.items())
        if (count.is_number() && count.get<std::uint64_t>() > 0)
            table.add({"  " + printable(name), grouped(count.get<std::uint64_t>()), "",
                       share_text(count.get<std::uint64_t>(), whole)});
}

void show_traffic(std::ostream& out, const Json& counters) {
    const Json& packets = member(counters, "packets");
    const Json& bytes = member(counters, "bytes");
    const auto received = count_of(packets, "received");
    Table table({{""}, {"PACKETS", Align::right}, {"BYTES", Align::right}, {"SHARE", Align::right}});
    const auto row = [&](const char* key, const char* title) {
        table.add({title, grouped(count_of(packets, key)), bytes_text(count_of(bytes, key)),
                   share_text(count_of(packets, key), received)});
    };
    row("received", "received");
    row("passed", "passed");
    add_reasons(table, member(counters, "passes"), received);
    row("forwarded", "forwarded");
    row("answered", "answered");
    row("handed_over", "handed over");
    row("dropped", "dropped");
    add_reasons(table, member(counters, "drops"), received);
    table.print(out);
}

void show_workers(std::ostream& out, const Json& workers) {
    constexpr std::array<std::array<const char*, 2>, 7> rows{{{"received", "received by workers"},
                                                              {"handed_back", "handed back"},
                                                              {"dropped", "dropped by workers"},
                                                              {"in_flight", "in flight"},
                                                              {"tx_failed", "transmit failed"},
                                                              {"lost", "lost with a killed worker"},
                                                              {"late", "handed back unseen, late"}}};
    Table table({{"WORKERS"}, {"PACKETS", Align::right}});
    for (const auto& [key, title] : rows)
        table.add({title, grouped(count_of(workers, key))});
    for (const auto& [name, count] : member(workers, "drops").items())
        if (count.is_number()) table.add({"  " + printable(name), grouped(count.get<std::uint64_t>())});
    table.print(out);
}

void show_pairs(std::ostream& out, const char* title, const Json& pairs) {
    Table table({{title}, {"PACKETS", Align::right}});
    for (const auto& [name, count] : pairs.items())
        if (count.is_number() && count.get<std::uint64_t>() > 0)
            table.add({printable(name), grouped(count.get<std::uint64_t>())});
    if (table.rows() == 0) return;
    out << '\n';
    table.print(out);
}

void show_identity(std::ostream& out, const Json& identity) {
    const auto holds = identity.find("holds");
    if (holds == identity.end() || !holds->is_boolean()) return;
    const auto off_by = identity.value("off_by", std::int64_t{0});
    out << "\nidentity     "
        << (holds->get<bool>() ? "holds: every packet is accounted for"
                               : "BROKEN by " + grouped_signed(off_by) + " packets");
    if (holds->get<bool>() && off_by != 0) out << " (" << grouped_signed(off_by) << " under way)";
    out << '\n';
}

void show_one(std::ostream& out, const Json& counters) {
    show_traffic(out, counters);
    out << '\n';
    show_workers(out, member(counters, "workers"));
    show_pairs(out, "WOULD DROP (dry run)", member(counters, "would_drop"));
    show_pairs(out, "NIC AND SOCKETS", member(counters, "nic"));
    show_identity(out, member(counters, "identity"));
}

void show_cpus(std::ostream& out, const Json& cpus) {
    if (!cpus.is_array() || cpus.empty()) return;
    Table table({{"CPU", Align::right},
                 {"RECEIVED", Align::right},
                 {"PASSED", Align::right},
                 {"FORWARDED", Align::right},
                 {"ANSWERED", Align::right},
                 {"HANDED OVER", Align::right},
                 {"DROPPED", Align::right}});
    for (const Json& cpu : cpus) {
        const Json& packets = member(cpu, "packets");
        std::vector<std::string> row{std::to_string(count_of(cpu, "cpu"))};
        for (const char* key : {"received", "passed", "forwarded", "answered", "handed_over", "dropped"})
            row.push_back(grouped(count_of(packets, key)));
        table.add(std::move(row));
    }
    out << '\n';
    table.print(out);
}

}  // namespace

void show_counters(std::ostream& out, const Json& counters) {
    const Json& interfaces = member(counters, "interfaces");
    if (interfaces.size() == 1) out << "interface " << printable(interfaces.begin().key()) << "\n\n";
    show_one(out, counters);
    show_cpus(out, member(counters, "cpus"));
    if (interfaces.size() < 2) return;
    for (const auto& [name, one] : interfaces.items()) {
        out << "\ninterface " << printable(name) << "\n\n";
        show_one(out, one);
        show_cpus(out, member(one, "cpus"));
    }
}

}  // namespace gabion::cli
