// SPDX-License-Identifier: Apache-2.0
// A private veth pair through which workers give packets back: silent (no IPv6, no ARP), as many queues as there are workers,
// a receive ring of its own for each of them. Deleted when this object dies.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "dataplane/core/result.h"
#include "dataplane/net/link.h"

namespace gabion::net {

class VethPair {
public:
    // `near` is what workers transmit on. A pair of that name left behind by a killed daemon is deleted first; an interface of that
    // name that is not a veth is an error.
    static Result<VethPair> create(const std::string& near, const std::string& far, std::uint32_t queues,
                                   std::uint32_t mtu, const MacAddress& far_mac);

    VethPair(VethPair&& other) noexcept
        : near_(std::move(other.near_)),
          far_(std::move(other.far_)),
          near_index_(std::exchange(other.near_index_, 0)),
          far_index_(std::exchange(other.far_index_, 0)) {}
    VethPair& operator=(VethPair&& other) noexcept {
        std::swap(near_, other.near_);
        std::swap(far_, other.far_);
        std::swap(near_index_, other.near_index_);
        std::swap(far_index_, other.far_index_);
        return *this;
    }
    ~VethPair();

    [[nodiscard]] const std::string& near() const noexcept { return near_; }
    [[nodiscard]] std::uint32_t near_index() const noexcept { return near_index_; }
    [[nodiscard]] std::uint32_t far_index() const noexcept { return far_index_; }

    // Both ends, up once the filters are in place.
    [[nodiscard]] Result<void> set_up(bool up) const;
    [[nodiscard]] Result<void> set_far_mac(const MacAddress& mac) const;

private:
    VethPair() = default;
    [[nodiscard]] Result<void> configure() const;

    std::string near_;
    std::string far_;
    std::uint32_t near_index_ = 0;
    std::uint32_t far_index_ = 0;
};

}  // namespace gabion::net
