// SPDX-License-Identifier: Apache-2.0
// From a decision to what is in force, and the events that tell of it.
#include <algorithm>
#include <span>

#include "control/daemon/protection.h"
#include "control/daemon/settings.h"
#include "dataplane/core/clock.h"

namespace gabion::daemon {
namespace {

std::string with_target(const detect::Notice& notice) {
    return notice.target.length == 0 ? notice.text : notice.target.text() + ": " + notice.text;
}

std::string what_for(const detect::Verdict& verdict) {
    return verdict.target.text() + ": " + verdict.reason + " (" + verdict.evidence.detector + ")";
}

const char* event_kind(detect::VerdictKind kind) {
    switch (kind) {
        case detect::VerdictKind::quarantine:
            return "quarantined";
        case detect::VerdictKind::cap:
            return "destination-capped";
        case detect::VerdictKind::raise_posture:
            return "posture-raised";
        case detect::VerdictKind::watch:
            return "watched";
        case detect::VerdictKind::ban:
            return "banned";
    }
    return "verdict";
}

}  // namespace

void Protection::tell_verdict(const detect::Verdict& verdict, ban::Outcome outcome) {
    if (outcome == ban::Outcome::extended) return;
    const std::string what = what_for(verdict);
    if (outcome == ban::Outcome::added)
        events_.raise(Severity::notice, event_kind(verdict.kind), what);
    else
        events_.raise(Severity::warning, "verdict-refused", what + ": " + ban::name_of(outcome));
}

// Decisions that found no room on the way from the analyst: a cause that lasts is judged again, but it must be known.
void Protection::tell_overflow() {
    const std::uint64_t now = analyst_->overflowed();
    if (now != overflowed_seen_)
        events_.raise(Severity::warning, "decisions-lost",
                      std::to_string(now - overflowed_seen_) + " decisions found no room on their way");
    overflowed_seen_ = now;
}

void Protection::decide() {
    verdicts_.clear();
    notices_.clear();
    analyst_->drain(verdicts_, notices_);
    enforce();
    for (const detect::Notice& notice : notices_)
        events_.raise(Severity::notice, notice.kind, with_target(notice));
}

void Protection::enforce() {
    const auto enforced = std::stable_partition(
        verdicts_.begin(), verdicts_.end(),
        [this](const detect::Verdict& verdict) { return !verdict.dry_run && has_effect(config_, verdict.kind); });
    writer_->apply(std::span(verdicts_.begin(), enforced), boot_now_ns());
    std::for_each(enforced, verdicts_.end(), [this](const detect::Verdict& verdict) {
        events_.raise(Severity::notice, "would-have",
                      std::string(event_kind(verdict.kind)) +
                          (verdict.dry_run ? " in a dry run: " : " if its stage were switched on: ") +
                          what_for(verdict));
    });
}

}  // namespace gabion::daemon
