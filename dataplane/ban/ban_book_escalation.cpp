// SPDX-License-Identifier: Apache-2.0
// Detectors' bans of sources that lead to a ban of the prefix around them.
#include "dataplane/ban/ban_book.h"

namespace gabion::ban {

void BanBook::escalate(const Order& order, std::uint64_t now_ns) {
    if (order.set != GABION_SET_DETECTOR || order.evidence == nullptr ||
        order.evidence->standing != detect::Standing::proven)
        return;
    for (const Escalation::Due& due : escalation_.note(order.target, now_ns)) {
        std::string why = spared_ ? spared_(due.prefix) : std::string();
        Outcome outcome = Outcome::refused_known;
        if (why.empty()) outcome = ban_prefix(due, now_ns);
        if (in_force(outcome)) escalation_.done(due.prefix);
        if (tell_escalation_ && outcome != Outcome::extended) tell_escalation_(due.prefix, outcome, why);
    }
}

Outcome BanBook::ban_prefix(const Escalation::Due& due, std::uint64_t now_ns) {
    detect::Evidence evidence;
    evidence.detector = "escalation";
    evidence.standing = detect::Standing::proven;
    evidence.window_ms = static_cast<std::uint32_t>(escalation_.settings().window_ns / 1'000'000);
    evidence.samples = static_cast<std::uint32_t>(due.offenders.size());
    evidence.figures[0] = {"offenders", static_cast<double>(due.offenders.size()),
                           static_cast<double>(escalation_.settings().offenders)};
    evidence.figure_count = 1;
    Order order;
    order.set = GABION_SET_DETECTOR;
    order.target = due.prefix;
    order.reason = "offenders";
    order.by = "escalation";
    order.evidence = &evidence;
    order.note = "banned in it:";
    for (const Prefix& offender : due.offenders)
        order.note += " " + offender.text();
    return apply(std::move(order), escalation_.settings().duration_ns, now_ns);
}

}  // namespace gabion::ban
