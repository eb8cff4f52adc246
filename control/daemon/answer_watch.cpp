// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/answer_watch.h"

#include <utility>

namespace gabion::daemon {
namespace {

constexpr std::uint64_t lost_least = 100;       // in a second: fewer tell nothing
constexpr std::uint64_t lost_of_answered = 99;  // percent: no flood overruns a ring a hundredfold

}  // namespace

bool AnswerWatch::look(std::uint64_t answered, std::uint64_t lost) {
    const std::uint64_t more_answered = answered - std::exchange(answered_, answered);
    const std::uint64_t more_lost = lost - std::exchange(lost_, lost);
    if (!std::exchange(begun_, true) || !obstacle_.empty()) return false;
    if (more_lost < lost_least || more_lost * 100 < more_answered * lost_of_answered) return false;
    obstacle_ = "what XDP sends back is lost: " + std::to_string(more_lost) + " of " + std::to_string(more_answered) +
                " answers in a second";
    return true;
}

}  // namespace gabion::daemon
