// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/mac_address.h"

#include <charconv>
#include <cstdio>

namespace gabion {

std::optional<MacAddress> parse_mac(std::string_view text) noexcept {
    MacAddress mac{};
    if (text.size() != 17) return std::nullopt;
    for (std::size_t i = 0; i < mac.size(); ++i) {
        const char* begin = text.data() + 3 * i;
        const auto [end, error] = std::from_chars(begin, begin + 2, mac[i], 16);
        if (error != std::errc{} || end != begin + 2 || (i < 5 && begin[2] != ':')) return std::nullopt;
    }
    return mac;
}

std::string mac_text(const MacAddress& mac) {
    char text[18];
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    return text;
}

}  // namespace gabion
