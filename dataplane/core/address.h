// SPDX-License-Identifier: Apache-2.0
// IP addresses and prefixes of either family: parsed from text, printed, and given to the tables as keys.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "bpf/lib/packet.h"
#include "dataplane/core/result.h"

namespace gabion {

enum class Family : std::uint8_t { v4 = 4, v6 = 6 };

// An address or prefix. Bits behind `length` are zero. Network byte order; IPv4 uses the first four bytes.
struct Prefix {
    Family family = Family::v4;
    std::uint8_t length = 32;
    std::array<std::uint8_t, 16> bytes{};

    [[nodiscard]] unsigned width() const noexcept { return family == Family::v4 ? 32 : 128; }
    [[nodiscard]] bool is_address() const noexcept { return length == width(); }
    [[nodiscard]] bool contains(const Prefix& other) const noexcept;

    // The same place with fewer bits; `length` larger than the present one leaves it as it is.
    [[nodiscard]] Prefix shortened(unsigned length) const noexcept;

    // The key of the tables in bpf/abi/table.h: the address itself, or for a prefix its bits, a one, zeros.
    [[nodiscard]] std::uint32_t key4() const noexcept;
    [[nodiscard]] std::array<std::uint32_t, 4> key6() const noexcept;

    // "192.0.2.1", "2001:db8::/32"; an address has no length behind it.
    [[nodiscard]] std::string text() const;

    static Prefix from_packet(std::uint8_t ip_version, const gabion_address& address) noexcept;

    // Accepts an address or ADDRESS/LENGTH. Set host bits, blanks, zone names and IPv4 in IPv6 notation (::ffff:a.b.c.d, which
    // never stands in a packet's header) are errors that say what is allowed.
    static Result<Prefix> parse(std::string_view text);

    friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

struct PrefixHash {
    std::size_t operator()(const Prefix& prefix) const noexcept;
};

}  // namespace gabion
