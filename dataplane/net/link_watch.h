// SPDX-License-Identifier: Apache-2.0
// News of interfaces, as they happen: LinkWatch is a file descriptor to wait on, LinkFollower tells what the news mean for one
// interface known by name. The follower is pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dataplane/core/fd.h"
#include "dataplane/core/result.h"
#include "dataplane/net/link.h"

namespace gabion::net {

struct LinkNews {
    bool removed = false;
    Link link;
};

struct LinkBatch {
    std::vector<LinkNews> news;
    bool all_links = false;  // news were lost: this is the full list, and what is missing in it is gone
};

class LinkWatch {
public:
    static Result<LinkWatch> open();
    // Readable when there is news; level triggered.
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    // Everything that has come; never waits.
    Result<LinkBatch> read();

private:
    explicit LinkWatch(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

// The VLAN devices that stand on an interface, as news come: true when there are others than before.
bool follow_vlans(std::set<std::uint32_t>& vlans, const LinkBatch& batch, std::uint32_t lower);

enum class LinkEvent { appeared, vanished, up, down, renamed, mac_changed, mtu_changed };
const char* name_of(LinkEvent event) noexcept;

class LinkFollower {
public:
    // `present` is the interface as it stands, if it exists.
    LinkFollower(std::string name, std::optional<Link> present);

    // What changed, in order. An interface that was deleted and made again under its name vanishes and appears. One that is
    // renamed stays the same interface; when it goes, the name that was configured is what appears again. `up` needs the carrier, too.
    std::vector<LinkEvent> apply(const LinkBatch& batch);
    [[nodiscard]] const std::optional<Link>& link() const noexcept { return link_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    void apply_one(const LinkNews& news, std::vector<LinkEvent>& events);
    void vanish(std::vector<LinkEvent>& events);

    std::string name_;
    std::optional<Link> link_;
};

}  // namespace gabion::net
