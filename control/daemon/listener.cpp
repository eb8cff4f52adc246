// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/listener.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

namespace gabion::daemon {
namespace {

constexpr int backlog = 64;
constexpr mode_t socket_mode = 0660;

Result<void> make_parent(const std::string& path) {
    const auto parent = std::filesystem::path(path).parent_path();
    std::error_code code;
    if (!parent.empty()) std::filesystem::create_directories(parent, code);
    if (code) return error_from_errno(code.value(), "making the directory " + parent.string());
    return {};
}

// EADDRINUSE when a living daemon holds the lock.
Result<UniqueFd> take_lock(const std::string& path) {
    const std::string name = path + ".lock";
    UniqueFd lock(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return error_from_errno(errno, "opening " + name, errno == EACCES ? "gabiond needs root" : "");
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return Error{"another gabiond listens on " + path +
                             "; give this one a socket, state directory and pin directory of its own",
                         EADDRINUSE};
        return error_from_errno(errno, "locking " + name);
    }
    return lock;
}

// Removes a socket that nobody listens on any more; anything else in its place is an error.
Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0)
        return errno == ENOENT ? Result<void>{} : error_from_errno(errno, "looking at " + path);
    if (!S_ISSOCK(status.st_mode)) return Error{path + " exists and is not a socket; it is left alone", EEXIST};
    UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN)
        return Error{"another program listens on " + path, EADDRINUSE};
    if (::unlink(path.c_str()) != 0) return error_from_errno(errno, "removing the stale socket " + path);
    return {};
}

std::optional<gid_t> find_group(const std::string& name) {
    if (name.empty()) return std::nullopt;
    const group* entry = ::getgrnam(name.c_str());
    return entry == nullptr ? std::nullopt : std::optional<gid_t>(entry->gr_gid);
}

bool is_member(int connection, gid_t own, gid_t wanted) {
    if (own == wanted) return true;
    socklen_t bytes = 0;
    ::getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, nullptr, &bytes);
    std::vector<gid_t> groups(bytes / sizeof(gid_t));
    if (groups.empty() || ::getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) != 0) return false;
    return std::find(groups.begin(), groups.end(), wanted) != groups.end();
}

}  // namespace

Result<Listener> Listener::open(const std::string& path, const std::string& group) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return Error{"the socket's path must have 1 to " + std::to_string(sizeof address.sun_path - 1) + " bytes: '" +
                         path + "'",
                     EINVAL};
    std::copy(path.begin(), path.end(), address.sun_path);
    if (auto made = make_parent(path); !made) return made.error();
    auto lock = take_lock(path);
    if (!lock) return lock.error();
    if (auto removed = remove_stale(path, address); !removed) return removed.error();

    Listener listener;
    listener.lock_ = *std::move(lock);
    listener.group_ = find_group(group);
    listener.socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener.socket_) return error_from_errno(errno, "making a socket");
    const mode_t before = ::umask(0777 & ~socket_mode);
    const int bound = ::bind(listener.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int bind_error = errno;
    ::umask(before);
    if (bound != 0) return error_from_errno(bind_error, "binding " + path);
    listener.path_ = path;
    if (listener.group_ && ::chown(path.c_str(), static_cast<uid_t>(-1), *listener.group_) != 0)
        return error_from_errno(errno, "giving " + path + " to the group " + group);
    if (::listen(listener.fd(), backlog) != 0) return error_from_errno(errno, "listening on " + path);
    return listener;
}

Listener::~Listener() {
    // The moved-from one owns no socket, and so no path.
    if (socket_ && !path_.empty()) ::unlink(path_.c_str());
}

Result<Peer> Listener::admit(int connection) const {
    ucred credentials{};
    socklen_t bytes = sizeof credentials;
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) != 0)
        return error_from_errno(errno, "asking who connected");
    const Peer peer{credentials.pid, credentials.uid, credentials.gid};
    if (peer.uid == 0 || peer.uid == ::geteuid() || (group_ && is_member(connection, peer.gid, *group_))) return peer;
    return Error{"user " + std::to_string(peer.uid) +
                     " may not control gabiond; allowed are root and members of the group gabion",
                 EACCES};
}

}  // namespace gabion::daemon
