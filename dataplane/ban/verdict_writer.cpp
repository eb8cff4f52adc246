// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/verdict_writer.h"

#include <algorithm>

namespace gabion::ban {
namespace {

std::uint64_t nanoseconds(std::chrono::milliseconds duration) noexcept {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0)) * 1'000'000;
}

}  // namespace

std::size_t VerdictWriter::apply(std::span<const detect::Verdict> verdicts, std::uint64_t now_ns) {
    std::size_t effective = 0;
    outcomes_.clear();
    for (const detect::Verdict& verdict : verdicts) {
        const Outcome outcome = apply_one(verdict, now_ns);
        outcomes_.push_back(outcome);
        ++report_.verdicts;
        ++report_.outcome[static_cast<std::size_t>(outcome)];
        effective += in_force(outcome);
        if (verdict.decided_ns != 0) {
            const std::uint64_t done_ns = monotonic_now_ns();
            if (done_ns > verdict.decided_ns) report_.latency.add(done_ns - verdict.decided_ns);
        }
    }
    // Telling takes longer than doing, and can wait.
    for (std::size_t i = 0; tell_ && i < verdicts.size(); ++i)
        tell_(verdicts[i], outcomes_[i]);
    return effective;
}

Outcome VerdictWriter::apply_one(const detect::Verdict& verdict, std::uint64_t now_ns) {
    const std::uint64_t until_ns = now_ns + nanoseconds(verdict.duration);
    bool held = false;
    switch (verdict.kind) {
        case detect::VerdictKind::quarantine:
            return apply_source(verdict, GABION_SET_QUARANTINE, now_ns);
        case detect::VerdictKind::watch:
            return apply_source(verdict, GABION_SET_WATCH, now_ns);
        case detect::VerdictKind::ban:
            if (verdict.evidence.standing != detect::Standing::proven) return Outcome::refused_unproven;
            return apply_source(verdict, GABION_SET_DETECTOR, now_ns);
        case detect::VerdictKind::cap:
            held = destinations_.cap(verdict.target, verdict.rate_pps, until_ns, verdict.reason, book_.clock(), now_ns);
            break;
        case detect::VerdictKind::raise_posture:
            held = destinations_.raise_posture(verdict.target, verdict.one_in, until_ns, verdict.reason, book_.clock(),
                                               now_ns);
            break;
    }
    return held ? Outcome::added : Outcome::no_room;
}

Outcome VerdictWriter::apply_source(const detect::Verdict& verdict, gabion_set set, std::uint64_t now_ns) {
    Order order;
    order.set = set;
    order.target = verdict.target;
    order.reason = verdict.reason;
    order.by = verdict.evidence.detector;
    order.rate_pps = verdict.rate_pps;
    order.scope = {verdict.quarantine_flags, verdict.protocol, verdict.destination_port, verdict.ttl_low,
                   verdict.ttl_high};
    order.evidence = &verdict.evidence;
    return book_.apply(order, nanoseconds(verdict.duration), now_ns);
}

}  // namespace gabion::ban
