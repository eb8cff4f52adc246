// SPDX-License-Identifier: Apache-2.0
// Claims that no frame will ever answer: the kernel can fail to deliver after the program has claimed (generic mode: no memory, a
// frame that does not fit). They are taken for lost when the worker has nothing in hand and no claim has come for leak_ns: a
// frame under way arrives within one NAPI poll.
#pragma once

#include <cstdint>

namespace gabion::worker {

inline constexpr std::uint64_t leak_ns = 100'000'000;

class LeakWatch {
public:
    // `claimed` as it stands; `in_hand` is true while frames are in our rings. Returns true when what is outstanding is lost.
    bool settled(std::uint64_t claimed, std::uint64_t outstanding, bool in_hand, std::uint64_t now_ns) noexcept {
        if (outstanding == 0 || in_hand || claimed != claimed_ || since_ns_ == 0) {
            claimed_ = claimed;
            since_ns_ = now_ns;
            return false;
        }
        return now_ns - since_ns_ >= leak_ns;
    }

private:
    std::uint64_t claimed_ = 0;
    std::uint64_t since_ns_ = 0;
};

}  // namespace gabion::worker
