// SPDX-License-Identifier: Apache-2.0
// SYNs to a destination against the ends of its connections: each connection that begins ends some day with a FIN or a reset, in a SYN flood
// none does (Wang, Zhang & Shin, "Detecting SYN flooding attacks", INFOCOM 2002, section 3). Over a window of ten seconds that slides by one,
// not over a life time. As ends count only those of connections that the host holds as established, so that forged FINs and resets hide
// nothing. Weights are packets; times are slots of 20 ms.
//
// Many clients that come at once and stay look the same for a while. So this names nobody and drops nothing by itself: it has SYNs met
// by the stage that answers them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace gabion::detect {

class Turns {
public:
    static constexpr unsigned parts = 10;
    static constexpr std::uint32_t part_slots = 50;
    static constexpr double span_s = 10;
    static constexpr double most = 1000;  // a larger ratio tells no more

    void add(std::uint32_t slot, double opened, double ended, std::uint32_t samples) noexcept {
        const std::uint32_t number = slot / part_slots;
        Part& part = parts_[number % parts];
        if (part.number != number) part = {.number = number};
        part.opened += static_cast<float>(opened);
        part.ended += static_cast<float>(ended);
        part.samples += samples;
    }

    struct Window {
        double opened = 0;
        double ended = 0;
        std::uint32_t samples = 0;  // SYNs that this rests on

        // SYNs for each end. Without ends there is one that was not seen.
        [[nodiscard]] double ratio() const noexcept { return std::min(opened / std::max(ended, 1.0), most); }
    };
    [[nodiscard]] Window window(std::uint32_t slot) const noexcept {
        Window sum;
        for (const Part& part : parts_) {
            if (slot / part_slots - part.number >= parts) continue;
            sum.opened += static_cast<double>(part.opened);
            sum.ended += static_cast<double>(part.ended);
            sum.samples += part.samples;
        }
        return sum;
    }

private:
    struct Part {
        std::uint32_t number = 0;
        float opened = 0;
        float ended = 0;
        std::uint32_t samples = 0;
    };
    std::array<Part, parts> parts_{};
};

}  // namespace gabion::detect
