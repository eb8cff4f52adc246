// SPDX-License-Identifier: Apache-2.0
// `gabion why`: what is known of an address, what it does at present, and what was decided about it.
#include <algorithm>
#include <cmath>

#include "dataplane/detect/analyst.h"
#include "dataplane/detect/state.h"

namespace gabion::detect {
namespace {

std::string rounded(double value) { return std::to_string(std::lround(value)); }

std::string hops_text(std::uint32_t hops) {
    std::string text;
    for (unsigned i = 0; i < 32; ++i)
        if ((hops >> i & 1) != 0) text += (text.empty() ? "" : ", ") + std::to_string(i);
    return text;
}

void tell_known(Explanation& to, const State& state, const Key& key) {
    const KnownSource* known = state.memory.known(key);
    if (known == nullptr) {
        to.text += "Not known from calm times. ";
    } else {
        to.known = true;
        to.standing = Standing::consistent;
        to.text += "Known from calm times for " + std::to_string(state.now_s() - known->first_s) + " s, with TTL " +
                   std::to_string(known->ttl_low) + " to " + std::to_string(known->ttl_high) + " and up to " +
                   rounded(static_cast<double>(known->rate_pps)) + " packets a second. ";
    }
    if (const KnownPrefix* prefix = state.memory.prefix(key))
        to.text += "Its network is " + hops_text(prefix->hops) + " hops away. ";
}

void tell_present(Explanation& to, const State& state, const Key& key) {
    const TrackedSource* source = state.sources.find(key);
    if (source == nullptr) {
        to.text += "Not among the sources seen lately. ";
        return;
    }
    TrackedSource now = *source;
    now.activity.advance(state.slot);
    now.contradicting.advance(state.slot);
    now.established.advance(state.slot);
    to.seen = true;
    const double allowance = state.allowance(now.guard, state.memory.known(key));
    to.figures.push_back({"source_pps", now.activity.slow(), allowance});
    to.figures.push_back({"established_pps", now.established.slow(), 0});
    to.figures.push_back({"contradicting_pps", now.contradicting.slow(), 0});
    if (now.contradicting.slow() > 0) to.standing = Standing::unproven;
    to.text += "In the last second about " + rounded(now.activity.slow()) +
               " packets (allowed while its destination is overloaded: " + rounded(allowance) + "), " +
               rounded(now.established.slow()) + " of established connections; last protocol " +
               std::to_string(now.protocol) + ", port " + std::to_string(now.source_port) + " to " +
               std::to_string(now.destination_port) + ", TTL " + std::to_string(now.ttl_min) + " to " +
               std::to_string(now.ttl_max) + ". ";
}

void tell_verdicts(Explanation& to, const State& state, const Prefix& address) {
    for (std::size_t i = 0; i < state.recent.size(); ++i) {
        const std::size_t at = (state.recent_next + state.recent.size() - 1 - i) % state.recent.size();
        if (state.recent[at].target.contains(address)) to.verdicts.push_back(state.recent[at]);
    }
    if (to.verdicts.empty()) {
        to.text += "No detector decided anything about it.";
        return;
    }
    const Verdict& last = to.verdicts.front();
    to.text += "Last verdict: " + last.target.text() + ", " + last.reason + ", " +
               std::to_string((state.now_ns - last.decided_ns) / 1'000'000'000) + " s ago.";
}

}  // namespace

Explanation Analyst::explain(const Prefix& address) const {
    Explanation result;
    const Key key = Key::from(address);
    if (address.is_address()) {
        tell_known(result, *state_, key);
        tell_present(result, *state_, key);
    }
    tell_verdicts(result, *state_, address);
    return result;
}

}  // namespace gabion::detect
