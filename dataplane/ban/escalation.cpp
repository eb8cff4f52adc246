// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/escalation.h"

#include <algorithm>
#include <array>

namespace gabion::ban {
namespace {

struct Step {
    std::uint8_t prefix;
    std::uint8_t part;  // what counts as one offender in it
};
constexpr std::array<Step, 1> steps4{{{24, 32}}};
constexpr std::array<Step, 3> steps6{{{64, 128}, {56, 64}, {48, 56}}};

}  // namespace

Escalation::Watched& Escalation::watch(const Prefix& prefix) {
    if (const auto found = watched_.find(prefix); found != watched_.end()) {
        by_age_.splice(by_age_.end(), by_age_, found->second);
        return *found->second;
    }
    if (watched_.size() >= watched_max) {
        watched_.erase(by_age_.front().prefix);
        by_age_.pop_front();
    }
    by_age_.push_back({prefix, {}});
    watched_.emplace(prefix, std::prev(by_age_.end()));
    return by_age_.back();
}

std::vector<Escalation::Due> Escalation::note(const Prefix& source, std::uint64_t now_ns) {
    std::vector<Due> due;
    if (settings_.offenders == 0 || !source.is_address()) return due;
    const bool v4 = source.family == Family::v4;
    const Step* const steps = v4 ? steps4.data() : steps6.data();
    for (std::size_t i = 0; i < (v4 ? steps4.size() : steps6.size()); ++i) {
        Watched& watched = watch(source.shortened(steps[i].prefix));
        auto& offences = watched.offences;
        const Prefix part = source.shortened(steps[i].part);
        std::erase_if(offences, [&](const Offence& offence) {
            return offence.part == part || now_ns - offence.at_ns > settings_.window_ns;
        });
        offences.push_back({part, source, now_ns});
        // No more than are needed to decide are kept.
        while (offences.size() > settings_.offenders)
            offences.pop_front();
        if (offences.size() < settings_.offenders) continue;
        Due one{watched.prefix, {}};
        for (const Offence& offence : offences)
            one.offenders.push_back(offence.source);
        due.push_back(std::move(one));
    }
    return due;
}

void Escalation::done(const Prefix& prefix) noexcept {
    const auto found = watched_.find(prefix);
    if (found == watched_.end()) return;
    by_age_.erase(found->second);
    watched_.erase(found);
}

}  // namespace gabion::ban
