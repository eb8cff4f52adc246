// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "bpf/abi/table.h"
#include "control/daemon/appliance.h"
#include "control/daemon/protection.h"
#include "dataplane/core/clock.h"

namespace gabion::daemon {
namespace {

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
}

std::string skips_text(unsigned skips) {
    std::string text;
    const auto name = [&](unsigned bit, const char* what) {
        if ((skips & bit) != 0) text += (text.empty() ? "" : ", ") + std::string(what);
    };
    name(GABION_SKIP_BANS, "bans");
    name(GABION_SKIP_RATES, "rates");
    name(GABION_SKIP_VALIDATION, "validation");
    return text.empty() ? "nothing" : text;
}

Finding finding(const ban::Entry& entry) {
    Finding found;
    found.kind = entry.set == GABION_SET_OPERATOR || entry.set == GABION_SET_DETECTOR ? "ban" : ban::name_of(entry.set);
    const std::string target = entry.target.text();
    switch (entry.set) {
        case GABION_SET_ALLOW:
            found.text = target + " is on the allow list and skips " + skips_text(entry.skips);
            break;
        case GABION_SET_WATCH:
            found.text = target + " is watched: all its packets are looked at";
            break;
        case GABION_SET_QUARANTINE:
            found.text = target + " is in quarantine (" + entry.reason + "): " + number(entry.rate_pps) +
                         " packets a second pass, besides own and established flows";
            break;
        default:
            found.text = target + " is banned by " + entry.by + " (" + entry.reason + ")";
    }
    if (entry.multiplier > 1) found.text += "; a repeat offender, x" + std::to_string(entry.multiplier);
    if (entry.set != GABION_SET_ALLOW && entry.set != GABION_SET_WATCH) found.ban = ban_entry(entry);
    return found;
}

// The first that decides, in the order of the kernel's stages.
std::string verdict_of(const std::vector<ban::Entry>& covering, bool dry_run) {
    unsigned skips = 0;
    bool allowed = false;
    for (const ban::Entry& entry : covering) {
        if (entry.set != GABION_SET_ALLOW) continue;
        allowed = true;
        skips |= entry.skips;
    }
    const char* wording = dry_run ? "would be dropped (dry run)" : "dropped";
    for (const gabion_set set : {GABION_SET_OPERATOR, GABION_SET_DETECTOR, GABION_SET_QUARANTINE}) {
        const bool skipped = (skips & (set == GABION_SET_QUARANTINE ? GABION_SKIP_RATES : GABION_SKIP_BANS)) != 0;
        for (const ban::Entry& entry : covering) {
            if (entry.set != set || skipped) continue;
            if (set == GABION_SET_QUARANTINE) return "in quarantine: what is above its rate is " + std::string(wording);
            return "banned: every packet is " + std::string(wording);
        }
    }
    return allowed ? "allowed" : "nothing applies: its packets pass like anyone's";
}

void add_explanation(WhyReport& report, const detect::Explanation& explanation) {
    if (!explanation.known && !explanation.seen && explanation.text.empty()) return;
    Finding found;
    found.kind = explanation.known ? "known" : "baseline";
    found.text = explanation.text;
    for (const detect::Figure& figure : explanation.figures)
        found.fields.emplace_back(figure.name, number(figure.value) + " (bound " + number(figure.threshold) + ")");
    report.findings.push_back(std::move(found));
}

}  // namespace

Result<WhyReport> Appliance::why(const Prefix& target) {
    WhyReport report;
    report.target = target;
    const ban::BanBook& book = protection_->tables().book();
    const std::uint64_t now_ns = boot_now_ns();
    const auto covering = book.covering(target, now_ns);
    report.verdict = verdict_of(covering, protection_->config().dry_run);
    for (const ban::Entry& entry : covering)
        report.findings.push_back(finding(entry));
    if (target.is_address()) {
        add_explanation(report, protection_->analyst().with(
                                    [&](const detect::Analyst& analyst) { return analyst.explain(target); }));
        if (protection_->tables().known().contains(target))
            report.findings.push_back(
                {"known", "seen in calm times: spared by the breaker and by caps on destinations", std::nullopt, {}});
    }
    for (const ban::EndedEntry& ended : book.history(target)) {
        Finding found = finding(ended.entry);
        found.kind = "history";
        found.text += std::string("; ended: ") + ended.how;
        report.findings.push_back(std::move(found));
    }
    return report;
}

}  // namespace gabion::daemon
