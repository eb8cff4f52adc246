// SPDX-License-Identifier: Apache-2.0
// Netlink (route and generic), as much as Gabion needs: a message with nested attributes, a request with its answer, a dump, attributes read back.
// Written out here because it is all of two hundred lines; libmnl would save half of them for one more library on every host.
// Errors carry the kernel's own words (extended acknowledgement) where it gives any.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/core/fd.h"
#include "dataplane/core/result.h"

namespace gabion::net {

class Message {
public:
    // `header` is the family's fixed part: ifinfomsg, tcmsg.
    template <typename Header>
    Message(std::uint16_t type, std::uint16_t flags, const Header& header) {
        nlmsghdr start{};
        start.nlmsg_type = type;
        start.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        append(&start, sizeof start);
        append(&header, sizeof header);
    }

    void put(std::uint16_t type, std::span<const std::uint8_t> bytes);
    void put(std::uint16_t type, std::string_view text);  // with its terminating zero
    template <typename T>
    requires std::is_trivially_copyable_v<T> &&
        (!std::is_convertible_v<T, std::string_view>)void put(std::uint16_t type, const T& value) {
        std::uint8_t bytes[sizeof value];
        std::memcpy(bytes, &value, sizeof value);
        put(type, std::span<const std::uint8_t>(bytes, sizeof bytes));
    }

    // Everything that `fill` puts stands inside one attribute; `header` bytes of zeros may precede it (VETH_INFO_PEER).
    void nest(std::uint16_t type, const std::function<void()>& fill, std::size_t header = 0);

    // The message with its length and `sequence` filled in.
    [[nodiscard]] std::span<const std::uint8_t> finish(std::uint32_t sequence);

private:
    void append(const void* bytes, std::size_t count);
    std::vector<std::uint8_t> buffer_;
};

// Attributes of one level, by type; a missing one is empty.
class Attributes {
public:
    explicit Attributes(std::span<const std::uint8_t> bytes);

    [[nodiscard]] std::span<const std::uint8_t> bytes(std::uint16_t type) const noexcept;
    [[nodiscard]] std::string_view text(std::uint16_t type) const noexcept;
    [[nodiscard]] Attributes nested(std::uint16_t type) const { return Attributes(bytes(type)); }
    template <typename T>
    [[nodiscard]] T value(std::uint16_t type, T otherwise = {}) const noexcept {
        const auto raw = bytes(type);
        if (raw.size() < sizeof(T)) return otherwise;
        T result;
        std::memcpy(&result, raw.data(), sizeof result);
        return result;
    }

private:
    std::vector<std::span<const std::uint8_t>> found_;
};

// One message as received: its type and what follows the netlink header.
struct Received {
    std::uint16_t type = 0;
    std::span<const std::uint8_t> body;

    template <typename Header>
    [[nodiscard]] Header header() const noexcept {
        Header result{};
        if (body.size() >= sizeof result) std::memcpy(&result, body.data(), sizeof result);
        return result;
    }
    template <typename Header>
    [[nodiscard]] Attributes attributes() const {
        return Attributes(body.size() > NLMSG_ALIGN(sizeof(Header)) ? body.subspan(NLMSG_ALIGN(sizeof(Header)))
                                                                    : std::span<const std::uint8_t>{});
    }
};

using Receiver = std::function<void(const Received&)>;

// Calls `receiver` for each message in a datagram.
void for_each_message(std::span<const std::uint8_t> datagram, const Receiver& receiver);

// A socket for requests. One caller at a time.
class Netlink {
public:
    static Result<Netlink> open(int protocol = NETLINK_ROUTE);

    // Sends and waits for the acknowledgement; `what` begins the error's text. Answers before it go to `receiver`.
    Result<void> request(Message& message, std::string_view what, const Receiver& receiver = {});

private:
    explicit Netlink(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
    UniqueFd fd_;
    std::uint32_t sequence_ = 0;
};

}  // namespace gabion::net
