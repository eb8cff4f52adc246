// SPDX-License-Identifier: Apache-2.0
#include "tests/netns/tcp_stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "dataplane/core/fd.h"

namespace gabion::probe {

namespace {

constexpr std::uint16_t server_port = 4242;
constexpr std::size_t transfer_bytes = 128u << 20;
constexpr std::size_t pattern_bytes = 65537;  // prime: a lost or doubled segment shifts it

struct Endpoint {
    sockaddr_storage address{};
    socklen_t length = 0;
    int family = AF_INET;
};

Endpoint endpoint(const std::string& text) {
    Endpoint result;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&result.address);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.address);
    if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(server_port);
        result.length = sizeof *v4;
    } else {
        ::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(server_port);
        result.length = sizeof *v6;
        result.family = AF_INET6;
    }
    return result;
}

std::vector<char> pattern() {
    std::vector<char> bytes(pattern_bytes);
    unsigned state = 1;
    for (auto& byte : bytes)
        byte = static_cast<char>((state = state * 1103515245u + 12345u) >> 16);
    return bytes;
}

bool send_all(int fd) {
    const auto bytes = pattern();
    for (std::size_t done = 0; done < transfer_bytes;) {
        const std::size_t at = done % pattern_bytes;
        const auto count =
            ::send(fd, bytes.data() + at, std::min(pattern_bytes - at, transfer_bytes - done), MSG_NOSIGNAL);
        if (count <= 0) return false;
        done += static_cast<std::size_t>(count);
    }
    return ::shutdown(fd, SHUT_WR) == 0;
}

bool receive_all(int fd) {
    const auto bytes = pattern();
    std::vector<char> buffer(pattern_bytes);
    std::size_t done = 0;
    for (;;) {
        const std::size_t at = done % pattern_bytes;
        const auto count = ::recv(fd, buffer.data(), pattern_bytes - at, 0);
        if (count < 0) return false;
        if (count == 0) return done == transfer_bytes;
        if (std::memcmp(buffer.data(), bytes.data() + at, static_cast<std::size_t>(count)) != 0) return false;
        done += static_cast<std::size_t>(count);
    }
}

std::pair<bool, std::string> split(const std::string& argument) {
    const auto blank = argument.find(' ');
    return {argument.substr(0, blank) == "upload", argument.substr(blank + 1)};
}

}  // namespace

int serve_stream(const std::string& argument) {
    const auto [upload, address] = split(argument);
    const Endpoint local = endpoint(address);
    const UniqueFd listener(::socket(local.family, SOCK_STREAM, 0));
    const int on = 1;
    ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&local.address), local.length) != 0) return 1;
    if (::listen(listener.get(), 1) != 0) return 1;
    std::printf("ready\n");
    std::fflush(stdout);
    const UniqueFd connection(::accept(listener.get(), nullptr, nullptr));
    return (upload ? receive_all(connection.get()) : send_all(connection.get())) ? 0 : 1;
}

int use_stream(const std::string& argument) {
    const auto [upload, address] = split(argument);
    const Endpoint server = endpoint(address);
    const UniqueFd connection(::socket(server.family, SOCK_STREAM, 0));
    const timeval patience{20, 0};
    ::setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const auto began = std::chrono::steady_clock::now();
    if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&server.address), server.length) != 0) return 1;
    if (!(upload ? send_all(connection.get()) : receive_all(connection.get()))) return 1;
    // The server closes when it has all of it.
    char byte = 0;
    if (upload && ::recv(connection.get(), &byte, 1, 0) != 0) return 1;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf("%.0f MiB/s\n", static_cast<double>(transfer_bytes >> 20) / took.count());
    return 0;
}

}  // namespace gabion::probe
