// SPDX-License-Identifier: Apache-2.0
#include "tests/support/generator.h"

#include <algorithm>
#include <array>

namespace gabion::test {
namespace {

constexpr std::size_t header_bytes = 80;  // about

}  // namespace

Bytes Generator::next() {
    Bytes frame = compose().bytes();
    const std::uint32_t fate = below(10);
    if (fate == 0) frame.resize(std::max<std::size_t>(14, below(static_cast<std::uint32_t>(frame.size()) + 1)));
    if (fate == 1 || fate == 2) mangle(frame, 1 + below(3));
    if (frame.size() < 60 && below(2) == 0) frame.resize(60);
    return frame;
}

void Generator::mangle(Bytes& frame, std::uint32_t count) {
    for (; count > 0; count--)
        frame[below(static_cast<std::uint32_t>(std::min<std::size_t>(frame.size(), header_bytes)))] =
            std::byte(below(256));
}

std::uint16_t Generator::port() {
    static constexpr std::array<std::uint16_t, 8> some = {53, 67, 80, 123, 179, 443, 4789, 40000};
    return below(2) ? some[below(some.size())] : static_cast<std::uint16_t>(below(65536));
}

std::string Generator::source4() { return "10.0." + std::to_string(below(4)) + "." + std::to_string(below(64)); }

std::string Generator::source6() { return "2001:db8:" + std::to_string(below(4)) + "::" + std::to_string(below(64)); }

Packet Generator::compose() {
    Packet packet{Ethernet{}};
    if (below(4) == 0) packet = packet / Vlan{.tpid = static_cast<std::uint16_t>(below(2) ? 0x8100 : 0x88a8)};
    if (below(16) == 0) packet = packet / Vlan{};
    if (below(32) == 0) return packet / Payload{below(100)};
    return below(2) ? with4(packet) : with6(packet);
}

Packet Generator::with4(Packet packet) {
    IPv4 ip{.source = source4(), .destination = "198.51.100." + std::to_string(below(4)), .ttl = byte()};
    if (below(8) == 0) ip.option_bytes = 4 * below(11);
    if (below(8) == 0) ip.fragment = static_cast<std::uint16_t>((below(2) ? 0x2000 : 0) | (below(2) ? below(200) : 0));
    return payload(packet / ip);
}

Packet Generator::with6(Packet packet) {
    IPv6 ip{.source = source6(), .destination = "2001:db8:1::" + std::to_string(below(4)), .hop_limit = byte()};
    if (below(64) == 0) ip.payload_length = std::uint16_t{0};
    packet = packet / ip;
    static constexpr std::array<std::uint8_t, 5> kinds = {0, 43, 44, 51, 60};
    for (std::uint32_t count = below(4) == 0 ? below(11) : 0; count > 0; count--) {
        const std::uint8_t kind = kinds[below(kinds.size())];
        packet = packet / Extension{.kind = kind,
                                    .bytes = kind == 44 ? 8 : 8 * std::size_t{1 + below(3)},
                                    .fragment = static_cast<std::uint16_t>(below(4) ? 0 : below(4) << 3 | below(2))};
    }
    return payload(packet);
}

Packet Generator::payload(const Packet& packet) {
    switch (below(5)) {
        case 0:
            return packet / TCP{.sport = port(), .dport = port(), .flags = byte(), .option_bytes = 4 * below(11)};
        case 1:
            return packet / TCP{.sport = port(), .dport = port(), .flags = 0x10} / Payload{below(300)};
        case 2:
            return packet / UDP{.sport = port(), .dport = port()} / Payload{below(300)};
        case 3:
            return packet / ICMP{.type = below(2) ? byte() : std::uint8_t{135}} / Payload{below(60)};
        default:
            return packet / Payload{below(40)};
    }
}

}  // namespace gabion::test
