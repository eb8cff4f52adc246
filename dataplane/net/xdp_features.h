// SPDX-License-Identifier: Apache-2.0
// What an interface's driver can do for XDP, as far as can be told without trying: the kernel says so since 6.3 (generic netlink
// family "netdev"); before that, what is known of drivers by their name.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gabion::net {

struct XdpFeatures {
    bool native = false;     // the driver runs XDP programs
    bool zero_copy = false;  // and can receive into an AF_XDP socket's own memory
    bool told = false;       // by the kernel itself, for this very device as it is set up now
};

// Asks the kernel. Nothing before 6.3.
std::optional<XdpFeatures> xdp_features(std::uint32_t link);

// By the driver's name, for kernels from 6.1 to 6.2. Nothing for a driver that is not known: it may do either.
std::optional<XdpFeatures> xdp_features_of_driver(std::string_view driver);

}  // namespace gabion::net
