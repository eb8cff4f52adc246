// SPDX-License-Identifier: Apache-2.0
// Frames of all kinds that the parser knows, and of none: valid, truncated, mangled. The same seed gives the same frames.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "tests/support/packet.h"

namespace gabion::test {

class Generator {
public:
    explicit Generator(std::uint32_t seed) : random_(seed) {}

    // From 14 bytes to some hundred. Sources are of 10.0.0.0/22 and of 2001:db8:0::/46, destinations few.
    Bytes next();

    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
    std::uint8_t byte() { return static_cast<std::uint8_t>(below(256)); }
    // So many bytes of the headers, which is where it hurts, become others.
    void mangle(Bytes& frame, std::uint32_t count);

private:
    std::uint16_t port();
    std::string source4();
    std::string source6();
    Packet compose();
    Packet with4(Packet packet);
    Packet with6(Packet packet);
    Packet payload(const Packet& packet);

    std::mt19937 random_;
};

}  // namespace gabion::test
