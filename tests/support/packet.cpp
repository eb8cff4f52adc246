// SPDX-License-Identifier: Apache-2.0
#include "tests/support/packet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <stdexcept>

namespace gabion::test {
namespace {

// What a layer needs to know of those around it: built from the innermost outwards.
struct Below {
    Bytes bytes;
    std::uint16_t ether_type =
        0x88b5;  // of this layer, as the one before must name it (local experimental, where it has none)
    std::uint8_t protocol = 59;                   // likewise for IP: 59 is "no next header"
    std::optional<std::size_t> checksum_at = {};  // of the L4 header, to be filled with the pseudo-header's part
};

std::byte low(std::size_t value) { return static_cast<std::byte>(value & 0xff); }

void put16(Bytes& bytes, std::size_t at, std::size_t value) {
    bytes.at(at) = low(value >> 8);
    bytes.at(at + 1) = low(value);
}

void put32(Bytes& to, std::size_t at, std::uint32_t value) {
    put16(to, at, value >> 16);
    put16(to, at + 2, value & 0xffff);
}

void prepend(Below& below, const Bytes& header) {
    below.bytes.insert(below.bytes.begin(), header.begin(), header.end());
}

std::uint32_t sum(const Bytes& bytes, std::uint32_t start = 0) {
    for (std::size_t i = 0; i < bytes.size(); i++)
        start += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
    while (start >> 16 != 0)
        start = (start & 0xffff) + (start >> 16);
    return start;
}

Bytes address(int family, const std::string& text) {
    Bytes bytes(family == AF_INET ? 4 : 16);
    if (inet_pton(family, text.c_str(), bytes.data()) != 1) throw std::invalid_argument("no address: " + text);
    return bytes;
}

// Completes the L4 checksum with the pseudo-header. ICMP over IPv4 has none.
void complete_checksum(Below& below, Bytes pseudo, std::uint8_t protocol) {
    if (!below.checksum_at) return;
    if (protocol == 1) pseudo.clear();
    std::uint32_t start = sum(pseudo);
    if (protocol != 1) start += protocol + static_cast<std::uint32_t>(below.bytes.size());
    const std::uint32_t check = ~sum(below.bytes, start) & 0xffff;
    put16(below.bytes, *below.checksum_at, check == 0 && protocol == 17 ? 0xffff : check);
    below.checksum_at.reset();
}

void add(Below& below, const Payload& layer) { prepend(below, Bytes(layer.bytes, std::byte{layer.fill})); }

void add(Below& below, const ICMP& layer) {
    Bytes header(8);
    header[0] = std::byte{layer.type};
    header[1] = std::byte{layer.code};
    put16(header, 4, layer.identifier);
    prepend(below, header);
    below.protocol = 1;
    below.checksum_at = 2;
}

void add(Below& below, const UDP& layer) {
    Bytes header(8);
    put16(header, 0, layer.sport);
    put16(header, 2, layer.dport);
    put16(header, 4, layer.length.value_or(static_cast<std::uint16_t>(8 + below.bytes.size())));
    prepend(below, header);
    below.protocol = 17;
    below.checksum_at = 6;
}

void add(Below& below, const TCP& layer) {
    Bytes header(20 + layer.option_bytes, std::byte{1});
    std::fill_n(header.begin(), 20, std::byte{0});
    for (const std::uint8_t byte : layer.options)
        header.push_back(std::byte{byte});
    header.resize((header.size() + 3) / 4 * 4);
    put16(header, 0, layer.sport);
    put16(header, 2, layer.dport);
    put32(header, 4, layer.sequence);
    put32(header, 8, layer.acknowledgment);
    header[12] = low(std::size_t{layer.words.value_or(static_cast<std::uint8_t>(header.size() / 4))} << 4);
    header[13] = std::byte{layer.flags};
    put16(header, 14, 1024);
    prepend(below, header);
    below.protocol = 6;
    below.checksum_at = 16;
}

void add(Below& below, const Extension& layer) {
    const std::size_t units = layer.kind == 51 ? layer.bytes / 4 - 2 : layer.bytes / 8 - 1;
    Bytes header(layer.bytes);
    header[0] = std::byte{layer.next.value_or(below.protocol)};
    header[1] = layer.kind == 44 ? std::byte{0} : low(layer.length.value_or(static_cast<std::uint8_t>(units)));
    if (layer.kind == 44) {
        put16(header, 2, layer.fragment);
    } else if (layer.kind == 0 || layer.kind == 60) {
        header[2] = std::byte{1};  // PadN over the rest
        header[3] = low(layer.bytes - 4);
    }
    prepend(below, header);
    if (below.checksum_at) *below.checksum_at += header.size();
    below.protocol = layer.kind;
}

void add(Below& below, const IPv6& layer) {
    const Bytes from = address(AF_INET6, layer.source), to = address(AF_INET6, layer.destination);
    Bytes header(8);
    header[0] = low(std::size_t{layer.version.value_or(6)} << 4);
    put16(header, 4, layer.payload_length.value_or(static_cast<std::uint16_t>(below.bytes.size())));
    header[6] = std::byte{layer.next.value_or(below.protocol == 1 ? std::uint8_t{58} : below.protocol)};
    header[7] = std::byte{layer.hop_limit};
    Bytes pseudo = from;
    pseudo.insert(pseudo.end(), to.begin(), to.end());
    if (below.protocol == 6 || below.protocol == 17 || below.protocol == 1)
        complete_checksum(below, pseudo, below.protocol == 1 ? std::uint8_t{58} : below.protocol);
    header.insert(header.end(), pseudo.begin(), pseudo.end());
    prepend(below, header);
    below.ether_type = 0x86dd;
    below.protocol = 41;
    below.checksum_at.reset();
}

void add(Below& below, const IPv4& layer) {
    const Bytes from = address(AF_INET, layer.source), to = address(AF_INET, layer.destination);
    Bytes header(20 + layer.option_bytes, std::byte{1});
    std::fill_n(header.begin(), 12, std::byte{0});
    const std::size_t words = layer.words.value_or(static_cast<std::uint8_t>(header.size() / 4));
    header[0] = low(std::size_t{layer.version.value_or(4)} << 4 | (words & 15));
    put16(header, 2, layer.length.value_or(static_cast<std::uint16_t>(header.size() + below.bytes.size())));
    put16(header, 6, layer.fragment);
    header[8] = std::byte{layer.ttl};
    header[9] = std::byte{layer.protocol.value_or(below.protocol)};
    std::copy(from.begin(), from.end(), header.begin() + 12);
    std::copy(to.begin(), to.end(), header.begin() + 16);
    put16(header, 10, ~sum(header) & 0xffff);
    Bytes pseudo = from;
    pseudo.insert(pseudo.end(), to.begin(), to.end());
    complete_checksum(below, pseudo, below.protocol);
    prepend(below, header);
    below.ether_type = 0x0800;
    below.protocol = 4;
}

void add(Below& below, const Vlan& layer) {
    Bytes header(4);
    put16(header, 0, layer.id);
    put16(header, 2, layer.type.value_or(below.ether_type));
    prepend(below, header);
    below.ether_type = layer.tpid;
}

void add(Below& below, const Ethernet& layer) {
    Bytes header;
    for (const std::uint8_t byte : layer.destination)
        header.push_back(std::byte{byte});
    for (const std::uint8_t byte : layer.source)
        header.push_back(std::byte{byte});
    header.resize(14);
    put16(header, 12, layer.type.value_or(below.ether_type));
    prepend(below, header);
}

}  // namespace

Bytes Packet::bytes() const {
    Below below;
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer)
        std::visit([&](const auto& it) { add(below, it); }, *layer);
    return below.bytes;
}

Bytes Packet::padded(std::size_t length) const {
    Bytes all = bytes();
    if (all.size() < length) all.resize(length);
    return all;
}

Bytes Packet::cut(std::size_t length) const {
    Bytes all = bytes();
    if (all.size() > length) all.resize(length);
    return all;
}

}  // namespace gabion::test
