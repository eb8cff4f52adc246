// SPDX-License-Identifier: Apache-2.0
#include "tests/netns/tools/exchange.h"

#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

namespace gabion::lab {

std::string pattern(std::size_t bytes) {
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; i++)
        text[i] = static_cast<char>(i & 0xff);
    return text;
}

bool follows_pattern(std::string_view bytes, std::size_t offset) {
    for (const char byte : bytes)
        if (byte != static_cast<char>(offset++ & 0xff)) return false;
    return true;
}

std::uint64_t content_length(const std::string& head) {
    static constexpr std::string_view name = "Content-Length: ";
    const std::size_t at = head.find(name);
    return at == std::string::npos ? 0 : std::strtoull(head.c_str() + at + name.size(), nullptr, 10);
}

Exchange::Exchange(const Target& target, const Address& client) : target_(target), started_ns_(monotonic_ns()) {
    const int family = target.server.family;
    const bool stream = target.kind == Kind::download || target.kind == Kind::upload;
    int protocol = 0;
    if (target.kind == Kind::ping) protocol = family == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
    fd_ = ::socket(family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, protocol);
    if (fd_ < 0) {
        error_ = errno;
        return;
    }
    const int on = 1;
    // The port is chosen at connect, for this server: thousands of exchanges a second do not use up the client's ports.
    if (target.kind != Kind::ping) ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    // Reset at the end: no TIME-WAIT, for the same reason. The answer has been read by then.
    const linger hard{1, 0};
    if (stream) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    const sockaddr_storage from = socket_address(client, 0);
    const sockaddr_storage to = socket_address(target.server, target.kind == Kind::ping ? 0 : target.port);
    const socklen_t length = socket_length(target.server);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&from), length) != 0 ||
        (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), length) != 0 && errno != EINPROGRESS))
        error_ = errno;
    write_request();
}

Exchange::~Exchange() {
    if (fd_ >= 0) ::close(fd_);
}

void Exchange::write_request() {
    switch (target_.kind) {
        case Kind::download:
            request_ =
                "GET /" + std::to_string(target_.bytes) + " HTTP/1.1\r\nHost: protected\r\nConnection: close\r\n\r\n";
            break;
        case Kind::upload:
            request_ = "POST / HTTP/1.1\r\nHost: protected\r\nContent-Length: " + std::to_string(target_.bytes) +
                       "\r\n\r\n" + pattern(target_.bytes);
            break;
        case Kind::udp:
            request_ = pattern(target_.bytes);
            break;
        case Kind::ping: {
            static std::atomic<std::uint16_t> sequence{0};
            icmphdr header{};
            header.type = target_.server.family == AF_INET ? ICMP_ECHO : 128;
            header.un.echo.sequence = htons(++sequence);
            request_.assign(reinterpret_cast<const char*>(&header), sizeof header);
            request_ += pattern(target_.bytes);
            break;
        }
    }
}

Exchange::State Exchange::fail_with(int error) {
    error_ = error;
    return State::failed;
}

Exchange::State Exchange::step() {
    if (fd_ < 0 || error_ != 0) return State::failed;
    if (written_ < request_.size()) return write();
    return target_.kind == Kind::udp || target_.kind == Kind::ping ? read_datagram() : read_stream();
}

Exchange::State Exchange::write() {
    while (written_ < request_.size()) {
        const ssize_t sent = ::send(fd_, request_.data() + written_, request_.size() - written_, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINPROGRESS || errno == ENOTCONN)) return State::waiting_to_write;
        if (sent < 0) return fail_with(errno);
        written_ += static_cast<std::size_t>(sent);
    }
    return State::waiting_to_read;
}

Exchange::State Exchange::read_datagram() {
    std::string buffer(target_.bytes + 64, '\0');
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got < 0) return errno == EAGAIN ? State::waiting_to_read : fail_with(errno);
    buffer.resize(static_cast<std::size_t>(got));
    const std::size_t header = target_.kind == Kind::ping ? sizeof(icmphdr) : 0;
    const bool right =
        buffer.size() == header + target_.bytes && follows_pattern(std::string_view(buffer).substr(header), 0);
    return right ? State::done : fail_with(0);
}

Exchange::State Exchange::read_stream() {
    std::array<char, 65536> buffer{};
    while (true) {
        const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (got < 0) return errno == EAGAIN ? State::waiting_to_read : fail_with(errno);
        if (got == 0) return check_stream();
        answer_.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

Exchange::State Exchange::check_stream() {
    const std::size_t end = answer_.find("\r\n\r\n");
    if (end == std::string::npos) return fail_with(0);
    const std::string_view body = std::string_view(answer_).substr(end + 4);
    if (body.size() != content_length(answer_)) return fail_with(0);
    const bool right = target_.kind == Kind::download ? body.size() == target_.bytes && follows_pattern(body, 0)
                                                      : body == std::to_string(target_.bytes);
    return right ? State::done : fail_with(0);
}

}  // namespace gabion::lab
