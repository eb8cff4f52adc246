// SPDX-License-Identifier: Apache-2.0
// Packets as composed values: `(Ethernet{} / IPv4{.source = "192.0.2.1"} / TCP{.dport = 443} / Payload{100}).bytes()`. Lengths,
// protocol numbers and checksums are filled in and right, unless a field says otherwise. Ports, lengths and flags in host byte order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace gabion::test {

using Bytes = std::vector<std::byte>;
using Mac = std::array<std::uint8_t, 6>;

struct Ethernet {
    Mac destination = {0x02, 0, 0, 0, 0, 2};
    Mac source = {0x02, 0, 0, 0, 0, 1};
    std::optional<std::uint16_t> type = {};
};

struct Vlan {
    std::uint16_t id = 1;
    std::uint16_t tpid = 0x8100;  // what the layer before says that this is
    std::optional<std::uint16_t> type = {};
};

struct IPv4 {
    std::string source = "192.0.2.1";
    std::string destination = "198.51.100.1";
    std::uint8_t ttl = 64;
    std::uint16_t fragment = 0;  // offset in eights, 0x2000: more to come
    std::size_t option_bytes = 0;
    std::optional<std::uint8_t> protocol = {};
    std::optional<std::uint8_t> version = {};
    std::optional<std::uint8_t> words = {};
    std::optional<std::uint16_t> length = {};
};

struct IPv6 {
    std::string source = "2001:db8::1";
    std::string destination = "2001:db8:1::1";
    std::uint8_t hop_limit = 64;
    std::optional<std::uint8_t> next = {};
    std::optional<std::uint8_t> version = {};
    std::optional<std::uint16_t> payload_length = {};
};

// An IPv6 extension header: 0 hop-by-hop, 43 routing, 44 fragment, 51 authentication, 60 destination options.
struct Extension {
    std::uint8_t kind = 0;
    std::size_t bytes = 8;
    std::uint16_t fragment = 0;  // offset in bytes, 1: more to come
    std::optional<std::uint8_t> next = {};
    std::optional<std::uint8_t> length = {};
};

struct TCP {
    std::uint16_t sport = 40000;
    std::uint16_t dport = 80;
    std::uint8_t flags = 0x10;
    std::size_t option_bytes = 0;
    std::optional<std::uint8_t> words = {};
    std::uint32_t sequence = 1;
    std::uint32_t acknowledgment = 1;
    std::vector<std::uint8_t> options = {};  // padded to whole words with zeros; else option_bytes of padding
};

struct UDP {
    std::uint16_t sport = 40000;
    std::uint16_t dport = 53;
    std::optional<std::uint16_t> length = {};
};

// ICMP behind IPv4, ICMPv6 behind IPv6.
struct ICMP {
    std::uint8_t type = 8;
    std::uint8_t code = 0;
    std::uint16_t identifier = 1;
};

struct Payload {
    std::size_t bytes = 0;
    std::uint8_t fill = 0x5a;
};

using Layer = std::variant<Ethernet, Vlan, IPv4, IPv6, Extension, TCP, UDP, ICMP, Payload>;

class Packet {
public:
    Packet(Layer layer) : layers_{std::move(layer)} {}

    [[nodiscard]] Packet operator/(Layer layer) const {
        Packet longer = *this;
        longer.layers_.push_back(std::move(layer));
        return longer;
    }

    [[nodiscard]] Bytes bytes() const;

    // Zeros behind the packet, as Ethernet adds them, up to `length`.
    [[nodiscard]] Bytes padded(std::size_t length = 60) const;
    // The first `length` bytes.
    [[nodiscard]] Bytes cut(std::size_t length) const;

private:
    std::vector<Layer> layers_;
};

inline Packet operator/(Ethernet ethernet, Layer layer) { return Packet(std::move(ethernet)) / std::move(layer); }

}  // namespace gabion::test
