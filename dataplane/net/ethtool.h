// SPDX-License-Identifier: Apache-2.0
// What only the ethtool ioctls tell and set: driver, channels, ring sizes, pause frames, and offload features, the latter by the
// kernel's names (ethtool -k shows older ones). Nothing (nullopt) is what a driver does not say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/core/result.h"

namespace gabion::net {

// Channels in use and how many there can be: combined ones serve both directions.
struct Channels {
    std::uint32_t rx = 0, combined = 0;
    std::uint32_t rx_max = 0, combined_max = 0;
    std::uint32_t tx = 0;
    [[nodiscard]] std::uint32_t receiving() const noexcept { return rx + combined; }
    [[nodiscard]] std::uint32_t transmitting() const noexcept { return tx + combined; }
    [[nodiscard]] std::uint32_t receiving_max() const noexcept { return combined_max != 0 ? combined_max : rx_max; }
};
std::optional<Channels> channels(const std::string& interface);
// Channels that receive.
std::optional<std::uint32_t> rx_channels(const std::string& interface);
// `combined`: sets those, else the receiving ones; all others stay. The card forgets nothing but may pause for a moment.
Result<void> change_channels(const std::string& interface, bool combined, std::uint32_t count);

// How to have `count` channels that receive: the combined ones if the driver has such, and then what receives alone stays.
struct ChannelChange {
    bool combined = false;
    std::uint32_t count = 0;
};
// An error says what the interface can have.
Result<ChannelChange> channels_to_receive(const std::string& interface, const std::optional<Channels>& present,
                                          std::uint32_t count);

// Descriptors of each receive ring.
struct RxRing {
    std::uint32_t size = 0;
    std::uint32_t max = 0;
};
std::optional<RxRing> rx_ring(const std::string& interface);
Result<void> change_rx_ring(const std::string& interface, std::uint32_t size);

// Whether the card, when it is full, asks the other end of the wire to wait.
std::optional<bool> sends_pause_frames(const std::string& interface);

// "ixgbe", "veth"; empty when there is none.
std::string driver_name(const std::string& interface);

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
