// SPDX-License-Identifier: Apache-2.0
// Judges whether what XDP sends back gets out of an interface. A full ring loses some of it under load, and that is no reason to answer nobody;
// where nearly all is lost, answers are of no use to anybody.
#pragma once

#include <cstdint>
#include <string>

namespace gabion::daemon {

class AnswerWatch {
public:
    // Once a second, with both counts as they stand. Returns whether it was found out just now.
    bool look(std::uint64_t answered, std::uint64_t lost);
    // Why no answer gets out, from then on; empty until it was found out.
    [[nodiscard]] const std::string& obstacle() const noexcept { return obstacle_; }
    void forget() noexcept { obstacle_.clear(); }

private:
    std::uint64_t answered_ = 0;
    std::uint64_t lost_ = 0;
    bool begun_ = false;
    std::string obstacle_;
};

}  // namespace gabion::daemon
