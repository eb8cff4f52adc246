// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/offenders.h"

#include <algorithm>

namespace gabion::ban {
namespace {

std::uint64_t addresses_in(const Prefix& target) noexcept {
    const unsigned unit = target.family == Family::v4 ? 32 : 56;
    return target.length >= unit ? 1 : std::uint64_t{1} << std::min(unit - target.length, 62u);
}

}  // namespace

std::uint8_t Offenders::level_at(const Offender& offender, std::uint64_t now_ns) const noexcept {
    if (now_ns <= offender.until_ns || forgive_ns_ == 0) return offender.level;
    const std::uint64_t steps = (now_ns - offender.until_ns) / forgive_ns_;
    return steps >= offender.level ? std::uint8_t{0} : static_cast<std::uint8_t>(offender.level - steps);
}

std::uint32_t Offenders::multiplier(const Prefix& source, std::uint64_t now_ns) const noexcept {
    const auto found = known_.find(source);
    return found == known_.end() ? 1u : 1u << level_at(*found->second, now_ns);
}

void Offenders::note_offence(const Prefix& source, std::uint64_t now_ns, std::uint64_t until_ns) {
    Offender offender{source, 1, until_ns};
    if (const auto found = known_.find(source); found != known_.end()) {
        const int next = level_at(*found->second, now_ns) + 1;
        offender.level = static_cast<std::uint8_t>(std::min<int>(next, level_max));
    }
    restore(offender);
}

void Offenders::note_end(const Prefix& source, std::uint64_t until_ns) noexcept {
    if (const auto found = known_.find(source); found != known_.end()) found->second->until_ns = until_ns;
}

void Offenders::forgive(const Prefix& source) noexcept {
    const auto found = known_.find(source);
    if (found == known_.end()) return;
    by_age_.erase(found->second);
    known_.erase(found);
}

void Offenders::restore(const Offender& offender) {
    if (capacity_ == 0) return;
    if (const auto found = known_.find(offender.source); found != known_.end()) {
        *found->second = offender;
        by_age_.splice(by_age_.end(), by_age_, found->second);
        return;
    }
    if (known_.size() >= capacity_) {
        known_.erase(by_age_.front().source);
        by_age_.pop_front();
    }
    by_age_.push_back(offender);
    known_.emplace(offender.source, std::prev(by_age_.end()));
}

void BlastRadius::advance(std::uint64_t now_ns) noexcept {
    const std::uint64_t now_part = now_ns / part_ns_;
    if (now_part <= part_) return;
    const std::uint64_t steps = std::min(now_part - part_, parts);
    for (std::uint64_t step = 0; step < steps; ++step) {
        std::uint64_t& oldest = taken_[(now_part - step) % parts];
        used_ -= oldest;
        oldest = 0;
    }
    part_ = now_part;
}

bool BlastRadius::take(const Prefix& target, std::uint64_t now_ns) noexcept {
    advance(now_ns);
    const std::uint64_t wanted = addresses_in(target);
    if (wanted > limit_ || used_ > limit_ - wanted) {
        ++refused_;
        return false;
    }
    taken_[part_ % parts] += wanted;
    used_ += wanted;
    return true;
}

void BlastRadius::give_back(const Prefix& target) noexcept {
    std::uint64_t& taken = taken_[part_ % parts];
    const std::uint64_t amount = std::min(taken, addresses_in(target));
    taken -= amount;
    used_ -= amount;
}

std::uint64_t BlastRadius::used(std::uint64_t now_ns) noexcept {
    advance(now_ns);
    return used_;
}

}  // namespace gabion::ban
