// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/connection.h"

#include <sys/socket.h>

#include <array>
#include <cstring>

namespace gabion::daemon {
namespace {

constexpr std::size_t chunk_bytes = 16 * 1024;
// The kernel passes at most SCM_MAX_FD (253) at a time; room for a few, the kernel closes those that do not fit.
constexpr std::size_t files_per_message = 4;

UniqueFd first_file(msghdr& message) {
    UniqueFd first;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
            UniqueFd file(fd);
            if (!first) first = std::move(file);
        }
    }
    return first;
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Connection::Connection(UniqueFd fd, Peer peer, std::size_t line_bytes_max, Clock::time_point now)
    : request_since(now), moved_at(now), fd_(std::move(fd)), peer_(peer), lines_(line_bytes_max) {}

bool Connection::receive(Clock::time_point now) {
    std::array<char, chunk_bytes> chunk;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(files_per_message * sizeof(int))> control{};
    iovec part{chunk.data(), chunk.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t count = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (count < 0) return would_block();
    UniqueFd file = first_file(message);
    if (file && !file_) file_ = std::move(file);
    if (count == 0) return false;
    if (!lines_.has_partial()) request_since = now;
    lines_.append({chunk.data(), static_cast<std::size_t>(count)});
    return true;
}

bool Connection::send(std::string_view line, Clock::time_point now) {
    if (unsent() == 0) moved_at = now;
    output_.append(line);
    return flush(now);
}

bool Connection::flush(Clock::time_point now) {
    while (unsent() > 0) {
        const ssize_t count = ::send(fd_.get(), output_.data() + sent_, unsent(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0) {
            if (errno == EINTR) continue;
            if (!would_block()) return false;
            break;
        }
        sent_ += static_cast<std::size_t>(count);
        moved_at = now;
    }
    if (unsent() == 0) {
        std::string().swap(output_);
        sent_ = 0;
    } else if (sent_ > output_.size() / 2) {
        output_.erase(0, sent_);
        sent_ = 0;
    }
    return true;
}

}  // namespace gabion::daemon
