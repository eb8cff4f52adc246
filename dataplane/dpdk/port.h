// SPDX-License-Identifier: Apache-2.0
// A port that is polled: its queues, the packet buffers that it receives into, what its driver counts.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "dataplane/core/result.h"
#include "dataplane/counter/totals.h"

namespace gabion::dpdk {

// Frames of a port are in one piece: no chained buffers, no segments merged, tags and checksums where they were.
inline constexpr std::uint16_t descriptors = 1024;  // of a queue, where the driver has no other limits

class Port {
public:
    // The port of that device, with as many queues each way; it hears frames for everybody from start() on.
    static Result<Port> open(const std::string& device, std::uint16_t queues);
    Port(Port&& other) noexcept;
    Port& operator=(Port&& other) noexcept;
    ~Port();

    Result<void> start();

    [[nodiscard]] std::uint16_t id() const noexcept { return id_; }
    [[nodiscard]] const std::string& device() const noexcept { return device_; }
    [[nodiscard]] std::uint16_t mtu() const noexcept { return mtu_; }
    // The longest frame that leaves by it: Ethernet, two tags and the MTU.
    [[nodiscard]] std::uint32_t frame_bytes_max() const noexcept;
    [[nodiscard]] bool is_up() const noexcept;
    // The device was unplugged, as far as its driver tells.
    [[nodiscard]] bool is_removed() const noexcept;
    [[nodiscard]] counter::DriverDiscards discards() const noexcept;

private:
    Port(std::string device, std::uint16_t id) : device_(std::move(device)), id_(id) {}
    Result<void> configure(std::uint16_t queues);
    Result<void> set_up_queues(std::uint16_t queues, int socket);
    [[nodiscard]] Error error(int code, const std::string& what) const;

    std::string device_;
    std::uint16_t id_;
    std::uint16_t mtu_ = 0;
    bool open_ = true;
};

}  // namespace gabion::dpdk
