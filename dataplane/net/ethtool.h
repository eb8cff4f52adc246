// SPDX-License-Identifier: Apache-2.0
// What only the ethtool ioctls tell: channels and offload features, the latter by the kernel's names (ethtool -k shows older ones).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/core/result.h"

namespace gabion::net {

// Channels that receive (rx + combined); nothing when the driver does not say.
std::optional<std::uint32_t> rx_channels(const std::string& interface);

struct Feature {
    std::string name;  // "rx-vlan-hw-parse", "rx-lro", "rx-gro-hw", "rx-gro", "tx-tcp-segmentation", ...
    bool active = false;
    bool changeable = false;  // the driver can switch it and nothing forbids it now
};

Result<std::vector<Feature>> features(const std::string& interface);

struct FeatureChange {
    std::string name;
    bool active = false;
};

// Asks for all of it at once. A name that the kernel does not have is skipped; what the driver refuses stays as it is.
Result<void> change_features(const std::string& interface, const std::vector<FeatureChange>& wanted);

}  // namespace gabion::net
