// SPDX-License-Identifier: Apache-2.0
#include "control/wire/client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>

#include "control/wire/message.h"

namespace gabion::wire {
namespace {

Error connect_error(int code, const std::string& path) {
    if (code == ENOENT || code == ECONNREFUSED)
        return Error{"gabiond does not listen on " + path +
                         "; start it (systemctl start gabiond) or name its socket with --socket PATH or GABION_SOCKET",
                     code};
    if (code == EACCES || code == EPERM)
        return Error{"no permission to use " + path + "; become root or a member of the group gabion", code};
    return error_from_errno(code, "connecting to " + path);
}

Error closed_error(const std::string& path) {
    return Error{"gabiond closed the connection on " + path + "; its log says why (journalctl -u gabiond)", ECONNRESET};
}

Error waiting_error(int code, const std::string& path, std::chrono::milliseconds timeout) {
    if (code == EAGAIN || code == EWOULDBLOCK)
        return Error{"gabiond on " + path + " did not answer within " + std::to_string(timeout.count() / 1000) +
                         " s; is it stopped or overloaded?",
                     ETIMEDOUT};
    if (code == EPIPE || code == ECONNRESET) return closed_error(path);
    return error_from_errno(code, "talking to gabiond on " + path);
}

// sendmsg() with up to one descriptor beside the bytes; the number of bytes sent, or -1.
ssize_t send_some(int socket, std::string_view bytes, int fd) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (fd >= 0) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    return ::sendmsg(socket, &message, MSG_NOSIGNAL);
}

}  // namespace

Client::Client(UniqueFd fd, std::string path, std::chrono::milliseconds timeout)
    : fd_(std::move(fd)), path_(std::move(path)), timeout_(timeout), reader_(reply_bytes_max) {}

Result<Client> Client::connect(const std::string& path, std::chrono::milliseconds timeout) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return Error{"the socket's path must have 1 to " + std::to_string(sizeof address.sun_path - 1) + " bytes: '" +
                         path + "'",
                     EINVAL};
    std::memcpy(address.sun_path, path.c_str(), path.size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return error_from_errno(errno, "making a socket");
    Client client(std::move(fd), path, timeout);
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
        if (auto set = client.set_timeout(option, timeout); !set) return set.error();
    if (::connect(client.fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno == EAGAIN) return waiting_error(errno, path, timeout);
        return connect_error(errno, path);
    }
    return client;
}

Result<void> Client::set_timeout(int option, std::chrono::milliseconds timeout) {
    timeval value{};
    value.tv_sec = timeout.count() / 1000;
    value.tv_usec = timeout.count() % 1000 * 1000;
    if (::setsockopt(fd_.get(), SOL_SOCKET, option, &value, sizeof value) != 0)
        return error_from_errno(errno, "setting a time limit on " + path_);
    return {};
}

Result<void> Client::send(std::string_view line, int fd) {
    while (!line.empty()) {
        const ssize_t sent = send_some(fd_.get(), line, fd);
        if (sent < 0) {
            if (errno == EINTR) continue;
            return waiting_error(errno, path_, timeout_);
        }
        fd = -1;
        line.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

Result<std::string> Client::read_line() {
    std::array<char, 65536> chunk;
    while (true) {
        if (auto line = reader_.next()) return std::move(*line);
        if (reader_.too_long()) return Error{"gabiond on " + path_ + " sent an endless line", EPROTO};
        const ssize_t count = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
        if (count == 0) return closed_error(path_);
        if (count < 0) {
            if (errno == EINTR) continue;
            return waiting_error(errno, path_, timeout_);
        }
        reader_.append({chunk.data(), static_cast<std::size_t>(count)});
    }
}

Result<Json> Client::call(std::string_view method, const Json& params, int fd) {
    const std::uint64_t id = next_id_++;
    // A send that fails may still have an answer waiting: the reason why the daemon hung up.
    const auto sent = send(request_line(id, method, params), fd);
    while (true) {
        auto line = read_line();
        if (!line) return sent ? line.error() : sent.error();
        auto incoming = read_incoming(*line);
        if (!incoming) return incoming.error();
        if (!incoming->method.empty()) {
            notifications_.push_back(std::move(*line));
        } else if (incoming->error && (incoming->id == id || incoming->id.is_null())) {
            return *incoming->error;
        } else if (incoming->id == id) {
            return std::move(incoming->value);
        }
    }
}

Result<Json> Client::next_notification() {
    if (auto set = set_timeout(SO_RCVTIMEO, std::chrono::milliseconds(0)); !set) return set.error();
    while (true) {
        std::string text;
        if (!notifications_.empty()) {
            text = std::move(notifications_.front());
            notifications_.pop_front();
        } else {
            auto line = read_line();
            if (!line) return line.error();
            text = std::move(*line);
        }
        auto incoming = read_incoming(text);
        if (!incoming) return incoming.error();
        if (incoming->error) return *incoming->error;
        if (!incoming->method.empty()) return std::move(incoming->value);
    }
}

}  // namespace gabion::wire
