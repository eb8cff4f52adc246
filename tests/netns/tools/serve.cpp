// SPDX-License-Identifier: Apache-2.0
// gbn-serve: the protected host's services, on ordinary sockets, v4 and v6. HTTP over TCP (GET /N answers with N bytes of a
// pattern, POST takes a body and answers with its length; one request a connection) and UDP that answers with what it got.
// Prints "ready"; at the end one line of JSON.
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <unordered_map>

#include <CLI/CLI.hpp>

#include "tests/netns/tools/exchange.h"

namespace gabion::lab {
namespace {

struct Connection {
    std::string request;          // until the blank line
    std::uint64_t body_left = 0;  // of a POST
    std::uint64_t body_bytes = 0;
    std::string answer;
    std::size_t written = 0;
    bool answering = false;
};

struct Totals {
    std::uint64_t requests = 0, uploads = 0, datagrams = 0;
};

// On one address, or with "::" on all of both families.
int listening(int type, const Address& address, std::uint16_t port) {
    const int fd = ::socket(address.family, type | SOCK_NONBLOCK, 0);
    const int on = 1;
    const int off = 0;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (type == SOCK_DGRAM) {
        const int buffer = 8 << 20;
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    }
    const sockaddr_storage place = socket_address(address, port);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&place), socket_length(address)) != 0 ||
        (type == SOCK_STREAM && ::listen(fd, 4096) != 0))
        fail("port " + std::to_string(port) + ": " + std::strerror(errno));
    return fd;
}

class Server {
public:
    Server(const Address& address, std::uint16_t http, std::uint16_t udp) : poll_(::epoll_create1(0)) {
        if (http != 0) watch(listener_ = listening(SOCK_STREAM, address, http), EPOLLIN);
        if (udp != 0) watch(datagrams_ = listening(SOCK_DGRAM, address, udp), EPOLLIN);
    }

    void run(std::uint64_t end_ns) {
        std::array<epoll_event, 256> events{};
        while (!stopped() && monotonic_ns() < end_ns) {
            const int count = ::epoll_wait(poll_, events.data(), events.size(), 200);
            for (int i = 0; i < count; i++)
                handle(events[static_cast<std::size_t>(i)]);
        }
    }

    Totals totals;

private:
    void watch(int fd, std::uint32_t what) {
        epoll_event event{};
        event.events = what;
        event.data.fd = fd;
        ::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event);
    }

    void handle(const epoll_event& event) {
        const int fd = event.data.fd;
        if (fd == listener_) return accept_all();
        if (fd == datagrams_) return answer_datagrams();
        Connection& connection = connections_[fd];
        const bool alive = connection.answering ? write_answer(fd, connection) : read_request(fd, connection);
        if (alive) return;
        connections_.erase(fd);
        ::close(fd);
    }

    void accept_all() {
        while (true) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
            if (fd < 0) return;
            connections_[fd] = {};
            watch(fd, EPOLLIN);
        }
    }

    void answer_datagrams() {
        std::array<char, 9000> buffer{};
        while (true) {
            sockaddr_storage from{};
            socklen_t length = sizeof from;
            const ssize_t got =
                ::recvfrom(datagrams_, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
            if (got < 0) return;
            totals.datagrams++;
            ::sendto(datagrams_, buffer.data(), static_cast<std::size_t>(got), 0, reinterpret_cast<sockaddr*>(&from),
                     length);
        }
    }

    // False when the connection is to be closed.
    bool read_request(int fd, Connection& connection) {
        std::array<char, 65536> buffer{};
        while (true) {
            const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
            if (got < 0) return errno == EAGAIN;
            if (got == 0) return false;
            take(connection, {buffer.data(), static_cast<std::size_t>(got)});
            if (!connection.answering) continue;
            epoll_event event{};
            event.events = EPOLLOUT;
            event.data.fd = fd;
            ::epoll_ctl(poll_, EPOLL_CTL_MOD, fd, &event);
            return write_answer(fd, connection);
        }
    }

    void take(Connection& connection, std::string_view bytes) {
        if (connection.body_left == 0) {
            connection.request += bytes;
            const std::size_t end = connection.request.find("\r\n\r\n");
            if (end == std::string::npos) return;
            bytes = std::string_view(connection.request).substr(end + 4);
            connection.body_bytes = content_length(connection.request);
            connection.body_left = connection.body_bytes;
        }
        connection.body_left -= std::min<std::uint64_t>(connection.body_left, bytes.size());
        if (connection.body_left == 0) prepare(connection);
    }

    void prepare(Connection& connection) {
        std::string body;
        if (connection.request.starts_with("GET /")) {
            body = pattern(std::strtoull(connection.request.c_str() + 5, nullptr, 10));
            totals.requests++;
        } else {
            body = std::to_string(connection.body_bytes);
            totals.uploads++;
        }
        connection.answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
                            "\r\n\r\n" + body;
        connection.answering = true;
    }

    static bool write_answer(int fd, Connection& connection) {
        while (connection.written < connection.answer.size()) {
            const ssize_t sent = ::send(fd, connection.answer.data() + connection.written,
                                        connection.answer.size() - connection.written, MSG_NOSIGNAL);
            if (sent < 0) return errno == EAGAIN;
            connection.written += static_cast<std::size_t>(sent);
        }
        return false;
    }

    int poll_;
    int listener_ = -1;
    int datagrams_ = -1;
    std::unordered_map<int, Connection> connections_;
};

int run(int argc, char** argv) {
    std::uint16_t http = 0, udp = 0;
    double seconds = 3600;
    std::string address = "::";
    CLI::App app{"HTTP and UDP services to protect"};
    app.add_option("--http", http, "TCP port");
    app.add_option("--udp", udp, "UDP port");
    app.add_option("--address", address, "to listen on; :: is all, v4 and v6");
    app.add_option("--seconds", seconds, "at most");
    CLI11_PARSE(app, argc, argv);
    catch_stop();
    Server server(parse_address(address), http, udp);
    std::puts("ready");
    std::fflush(stdout);
    server.run(monotonic_ns() + static_cast<std::uint64_t>(seconds * 1e9));
    std::printf("{\"requests\":%llu,\"uploads\":%llu,\"datagrams\":%llu}\n",
                static_cast<unsigned long long>(server.totals.requests),
                static_cast<unsigned long long>(server.totals.uploads),
                static_cast<unsigned long long>(server.totals.datagrams));
    return 0;
}

}  // namespace
}  // namespace gabion::lab

int main(int argc, char** argv) { return gabion::lab::run(argc, argv); }
