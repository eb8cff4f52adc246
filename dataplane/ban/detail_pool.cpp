// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/detail_pool.h"

#include <algorithm>

namespace gabion::ban {

void Detail::set_evidence(const detect::Evidence& evidence) {
    has_evidence = true;
    detector = evidence.detector;
    standing = evidence.standing;
    window_ms = evidence.window_ms;
    samples = evidence.samples;
    const std::size_t count = std::min<std::size_t>(evidence.figure_count, evidence.figures.size());
    figures.assign(evidence.figures.begin(), evidence.figures.begin() + static_cast<std::ptrdiff_t>(count));
}

detect::Evidence Detail::evidence() const noexcept {
    detect::Evidence evidence;
    evidence.detector = detector;
    evidence.standing = standing;
    evidence.window_ms = window_ms;
    evidence.samples = samples;
    evidence.figure_count = static_cast<std::uint8_t>(std::min(figures.size(), evidence.figures.size()));
    std::copy_n(figures.begin(), evidence.figure_count, evidence.figures.begin());
    return evidence;
}

DetailId DetailPool::create() {
    DetailId id = 0;
    if (!free_.empty()) {
        id = free_.back();
        free_.pop_back();
        details_[id] = Detail{};
    } else {
        id = static_cast<DetailId>(details_.size());
        details_.emplace_back();
    }
    details_[id].serial = ++serial_;
    return id;
}

void DetailPool::release(DetailId id) noexcept {
    if (id == 0 || --details_[id].users != 0) return;
    details_[id].note = {};
    details_[id].figures = {};
    free_.push_back(id);
}

const char* DetailPool::intern(std::string_view text) { return names_.emplace(text).first->c_str(); }

}  // namespace gabion::ban
