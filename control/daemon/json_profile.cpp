// SPDX-License-Identifier: Apache-2.0
// The document of `gabion profile --json`.
#include <cmath>

#include <nlohmann/json.hpp>

#include "control/daemon/json.h"

namespace gabion::daemon {
namespace {

// To a tenth of a ns: more would look as if it had been measured.
double tenths(double ns) { return std::round(ns * 10) / 10; }

Json program(const ProgramCost& cost) { return {{"name", cost.name}, {"runs", cost.runs}, {"ns", tenths(cost.ns)}}; }

Json stages(const counter::StageTimes& times) {
    Json list = Json::array();
    for (const counter::StageCost& cost : times.stages)
        list.push_back({{"name", cost.name},
                        {"what", cost.what},
                        {"packets", cost.packets},
                        {"mean_ns", tenths(cost.mean_ns)},
                        {"median_ns", tenths(cost.median_ns)},
                        {"p99_ns", tenths(cost.p99_ns)},
                        {"most_ns", tenths(cost.most_ns)}});
    return {{"packets", times.packets},
            {"one_in", GABION_PROFILE_ONE_IN},
            {"clock_ns", tenths(times.clock_ns)},
            {"packet_ns", tenths(times.packet_ns)},
            {"list", std::move(list)}};
}

Json one(const ProfiledInterface& interface) {
    Json reasons = Json::object();
    for (const auto& [name, packets] : interface.reasons)
        reasons[name] = packets;
    Json programs = Json::array();
    for (const ProgramCost& cost : interface.programs)
        programs.push_back(program(cost));
    if (interface.profiling.runs > 0) programs.push_back(program(interface.profiling));
    return {{"attach", interface.attach},    {"note", interface.note},          {"received", interface.received},
            {"reasons", std::move(reasons)}, {"programs", std::move(programs)}, {"stages", stages(interface.stages)}};
}

}  // namespace

Json to_json(const ProfileReport& report) {
    Json interfaces = Json::object();
    for (const ProfiledInterface& interface : report.interfaces)
        interfaces[interface.name] = one(interface);
    Json maps = Json::array();
    for (const MapUse& use : report.maps)
        maps.push_back({{"interface", use.interface.empty() ? Json() : Json(use.interface)},
                        {"name", use.name},
                        {"unit", use.unit},
                        {"used", use.used},
                        {"size", use.size},
                        {"bytes", use.bytes}});
    return {{"seconds", std::round(report.seconds * 1000) / 1000},
            {"programs_note", report.programs_note},
            {"statistics_ns", tenths(report.empty_ns)},
            {"interfaces", std::move(interfaces)},
            {"maps", std::move(maps)}};
}

}  // namespace gabion::daemon
