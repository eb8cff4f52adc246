// SPDX-License-Identifier: Apache-2.0
// The inside port of an inline pair: the program on it, its place in the pair's map of ports, and its own life (it can be down, deleted
// and made anew while the outside port stays). Its owner is the outside port's ProtectedInterface, with whose maps it works.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bpf/abi/port.h"
#include "dataplane/core/result.h"
#include "dataplane/map/map_group.h"
#include "dataplane/map/pin_directory.h"
#include "dataplane/map/xdp_link.h"
#include "dataplane/net/link.h"
#include "dataplane/net/link_watch.h"

namespace gabion::daemon {

class Keeper;

class InsidePort {
public:
    using Tell = std::function<void(const char* kind, const std::string& text)>;

    InsidePort(std::string name, const map::PinDirectory& pins, Keeper& keeper, Tell tell);

    // Finds the port, which must exist, and makes both of them known to the programs of the pair, before these run.
    Result<void> open(const map::MapGroup& own, const net::Link& outside);
    Result<map::Attached> attach(int program_fd, map::AttachMode wanted);
    // Another program in the place of the one that runs, between two packets.
    Result<void> swap(int program_fd);
    // Switches off what would cost packets and makes the port hear everybody.
    Result<void> prepare();
    // Takes the program off and leaves the port as it was found.
    void close();
    // Says so, and remembers it for the status, when a frame can be too long for the other port.
    void compare_mtu(const net::Link& outside);

    // What changed about it. When it `appeared`, the pair must be opened anew.
    std::vector<net::LinkEvent> follow(const net::LinkBatch& batch);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] bool present() const noexcept { return link() != nullptr; }
    [[nodiscard]] map::AttachMode attached() const noexcept { return attached_; }
    // Why something is not as it should be; empty when all is well.
    [[nodiscard]] const std::string& note() const noexcept { return note_; }
    // As it is now; none while it is away.
    [[nodiscard]] const net::Link* link() const noexcept {
        return follower_ && follower_->link() ? &*follower_->link() : nullptr;
    }

    // What an earlier daemon left of a pair whose inside port is now another one, or none: its program goes, and the port is as it was.
    static void release_former(const map::PinDirectory& pins, Keeper& keeper, std::uint32_t still_inside);

    // The interface that an earlier daemon left as the inside port; 0: none.
    static int former(const map::PinDirectory& pins);

private:
    std::string name_;
    map::PinDirectory pins_;
    Keeper& keeper_;
    Tell tell_;
    map::XdpLink link_;
    std::optional<net::LinkFollower> follower_;
    map::AttachMode attached_ = map::AttachMode::native;
    std::string note_;
};

// What may cost tags in native mode, or nothing: the driver takes them out of the frame, and does not let go of it.
std::optional<std::string> forwarding_obstacle(const net::Link& link);

}  // namespace gabion::daemon
