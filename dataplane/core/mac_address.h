// SPDX-License-Identifier: Apache-2.0
// A MAC address as text: six bytes in hexadecimal, with colons.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gabion {

using MacAddress = std::array<std::uint8_t, 6>;

// "02:00:5e:10:00:01", in either case; nothing else.
std::optional<MacAddress> parse_mac(std::string_view text) noexcept;
std::string mac_text(const MacAddress& mac);

}  // namespace gabion
