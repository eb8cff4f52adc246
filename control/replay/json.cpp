// SPDX-License-Identifier: Apache-2.0
#include "control/replay/json.h"

#include <nlohmann/json.hpp>

#include "control/daemon/appliance.h"
#include "control/daemon/json.h"
#include "control/daemon/reading.h"

namespace gabion::replay {
namespace {

const char* kind_name(detect::VerdictKind kind) noexcept {
    switch (kind) {
        case detect::VerdictKind::quarantine:
            return "quarantine";
        case detect::VerdictKind::cap:
            return "cap";
        case detect::VerdictKind::raise_posture:
            return "posture";
        case detect::VerdictKind::watch:
            return "watch";
        case detect::VerdictKind::ban:
            return "ban";
    }
    return "verdict";
}

Json to_json(const FileReport& file) {
    return {{"file", file.file}, {"packets", file.packets}, {"bytes", file.bytes}, {"seconds", file.seconds}};
}

Json to_json(const Decision& decision) {
    const detect::Verdict& verdict = decision.verdict;
    return {{"time_s", decision.time_s},
            {"kind", kind_name(verdict.kind)},
            {"target", verdict.target.text()},
            {"reason", verdict.reason},
            {"outcome", ban::name_of(decision.outcome)},
            {"duration_s", static_cast<double>(verdict.duration.count()) / 1000},
            {"evidence", daemon::to_json(daemon::evidence_report(verdict.evidence))}};
}

Json to_json(const Occurrence& occurrence) {
    return {{"time_s", occurrence.time_s},
            {"kind", occurrence.kind},
            {"target", occurrence.target.length == 0 ? Json() : Json(occurrence.target.text())},
            {"text", occurrence.text}};
}

template <typename Entry>
Json list_of(const std::vector<Entry>& entries) {
    Json list = Json::array();
    for (const Entry& entry : entries)
        list.push_back(to_json(entry));
    return list;
}

}  // namespace

Json to_json(const Replayer& replayer, const std::vector<FileReport>& files) {
    daemon::Reading reading;
    reading.totals = replayer.totals();
    Json report = daemon::to_json(daemon::counters_of(reading));
    report.erase("nic");  // there was none
    report["learned"] = replayer.learned();
    report["files"] = list_of(files);
    report["decisions"] = list_of(replayer.decisions());
    report["events"] = list_of(replayer.occurrences());
    return report;
}

}  // namespace gabion::replay
