// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/netlink.h"

#include <sys/socket.h>

#include <array>
#include <optional>
#include <string>

namespace gabion::net {

namespace {

constexpr std::size_t receive_bytes = 64 << 10;  // the kernel's dumps come in pieces of at most 32 KiB

template <typename T>
T read_at(std::span<const std::uint8_t> bytes, std::size_t offset) {
    T value{};
    if (offset + sizeof value <= bytes.size()) std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

Error kernel_error(const Received& message, std::uint16_t flags, std::string_view what) {
    const auto code = -message.header<nlmsgerr>().error;
    std::string advice;
    if ((flags & NLM_F_ACK_TLVS) != 0) {
        // With NLM_F_CAPPED just the request's header is echoed before the attributes, else all of it.
        std::size_t echoed = NLMSG_ALIGN(message.header<nlmsgerr>().msg.nlmsg_len);
        if ((flags & NLM_F_CAPPED) != 0) echoed = sizeof(nlmsghdr);
        const std::size_t start = sizeof(int) + echoed;
        if (start < message.body.size()) advice = Attributes(message.body.subspan(start)).text(NLMSGERR_ATTR_MSG);
    }
    return error_from_errno(code, what, advice);
}

// The end of an answer, when this message is one.
std::optional<Result<void>> verdict(const Received& message, std::uint16_t flags, std::string_view what) {
    if (message.type == NLMSG_DONE) return Result<void>{};
    if (message.type != NLMSG_ERROR) return std::nullopt;
    if (message.header<nlmsgerr>().error == 0) return Result<void>{};
    return Result<void>{kernel_error(message, flags, what)};
}

}  // namespace

void Message::append(const void* bytes, std::size_t count) {
    const auto* begin = static_cast<const std::uint8_t*>(bytes);
    buffer_.insert(buffer_.end(), begin, begin + count);
    buffer_.resize(NLMSG_ALIGN(buffer_.size()));
}

void Message::put(std::uint16_t type, std::span<const std::uint8_t> bytes) {
    const nlattr head{static_cast<std::uint16_t>(NLA_HDRLEN + bytes.size()), type};
    append(&head, sizeof head);
    append(bytes.data(), bytes.size());
}

void Message::put(std::uint16_t type, std::string_view text) {
    std::vector<std::uint8_t> bytes(text.begin(), text.end());
    bytes.push_back(0);
    put(type, std::span<const std::uint8_t>(bytes));
}

void Message::nest(std::uint16_t type, const std::function<void()>& fill, std::size_t header) {
    const std::size_t start = buffer_.size();
    put(type, std::span<const std::uint8_t>{});
    buffer_.resize(buffer_.size() + NLMSG_ALIGN(header));
    fill();
    const auto length = static_cast<std::uint16_t>(buffer_.size() - start);
    std::memcpy(buffer_.data() + start, &length, sizeof length);
}

std::span<const std::uint8_t> Message::finish(std::uint32_t sequence) {
    nlmsghdr head = read_at<nlmsghdr>(buffer_, 0);
    head.nlmsg_len = static_cast<std::uint32_t>(buffer_.size());
    head.nlmsg_seq = sequence;
    std::memcpy(buffer_.data(), &head, sizeof head);
    return buffer_;
}

Attributes::Attributes(std::span<const std::uint8_t> bytes) {
    while (bytes.size() >= NLA_HDRLEN) {
        const auto head = read_at<nlattr>(bytes, 0);
        if (head.nla_len < NLA_HDRLEN || head.nla_len > bytes.size()) return;
        const auto type = static_cast<std::uint16_t>(head.nla_type & NLA_TYPE_MASK);
        if (found_.size() <= type) found_.resize(type + 1u);
        found_[type] = bytes.subspan(NLA_HDRLEN, head.nla_len - NLA_HDRLEN);
        bytes = bytes.subspan(std::min<std::size_t>(NLA_ALIGN(head.nla_len), bytes.size()));
    }
}

std::span<const std::uint8_t> Attributes::bytes(std::uint16_t type) const noexcept {
    return type < found_.size() ? found_[type] : std::span<const std::uint8_t>{};
}

std::string_view Attributes::text(std::uint16_t type) const noexcept {
    const auto raw = bytes(type);
    if (raw.empty()) return {};
    const auto* begin = reinterpret_cast<const char*>(raw.data());
    return {begin, ::strnlen(begin, raw.size())};
}

void for_each_message(std::span<const std::uint8_t> datagram, const Receiver& receiver) {
    while (datagram.size() >= sizeof(nlmsghdr)) {
        const auto head = read_at<nlmsghdr>(datagram, 0);
        if (head.nlmsg_len < sizeof head || head.nlmsg_len > datagram.size()) return;
        receiver({head.nlmsg_type, datagram.subspan(sizeof head, head.nlmsg_len - sizeof head)});
        datagram = datagram.subspan(std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), datagram.size()));
    }
}

Result<Netlink> Netlink::open(int protocol) {
    UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!fd) return error_from_errno(errno, "opening a netlink socket");
    const int on = 1;
    ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    return Netlink(std::move(fd));
}

Result<void> Netlink::request(Message& message, std::string_view what, const Receiver& receiver) {
    const auto bytes = message.finish(++sequence_);
    const auto sent_flags = read_at<nlmsghdr>(bytes, 0).nlmsg_flags;
    if ((sent_flags & (NLM_F_ACK | NLM_F_DUMP)) == 0)
        return Error{std::string(what) + ": request without an answer", EINVAL};
    if (::send(fd_.get(), bytes.data(), bytes.size(), 0) < 0) return error_from_errno(errno, what);

    std::vector<std::uint8_t> buffer(receive_bytes);
    std::optional<Result<void>> end;
    while (!end) {
        const auto count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return error_from_errno(count == 0 ? EPIPE : errno, what);
        std::span<const std::uint8_t> rest(buffer.data(), static_cast<std::size_t>(count));
        for_each_message(rest, [&](const Received& received) {
            // Flags and sequence stand in the header, 16 bytes before the body.
            nlmsghdr head{};
            std::memcpy(&head, received.body.data() - sizeof head, sizeof head);
            if (end || head.nlmsg_seq != sequence_) return;
            end = verdict(received, head.nlmsg_flags, what);
            if (!end && receiver) receiver(received);
        });
    }
    return *end;
}

}  // namespace gabion::net
