// SPDX-License-Identifier: Apache-2.0
// The control socket's file: who owns the path, who may connect. A socket that a dead daemon left behind is replaced; a living one's
// is refused. A lock beside the path (PATH.lock), held as long as the daemon lives, tells the two apart without a race.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "dataplane/core/fd.h"
#include "dataplane/core/result.h"

namespace gabion::daemon {

// Who is at the other end, as the kernel says.
struct Peer {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
};

class Listener {
public:
    // Makes the parent directory if need be; the socket gets mode 0660 and, when `group` exists, that group.
    static Result<Listener> open(const std::string& path, const std::string& group);
    Listener(Listener&&) noexcept = default;
    Listener& operator=(Listener&&) noexcept = default;
    ~Listener();

    [[nodiscard]] int fd() const noexcept { return socket_.get(); }

    // The peer of a connection if it may give orders: root, the daemon's own user, or a member of the group.
    Result<Peer> admit(int connection) const;

private:
    Listener() = default;

    std::string path_;
    std::optional<gid_t> group_;
    UniqueFd lock_;
    UniqueFd socket_;
};

}  // namespace gabion::daemon
