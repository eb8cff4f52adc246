// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/link_watch.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "dataplane/net/netlink.h"

namespace gabion::net {

namespace {

bool running(const Link& link) { return link.up && link.carrier; }

Result<LinkBatch> full_list() {
    auto all = links();
    if (!all) return all.error();
    LinkBatch batch;
    batch.all_links = true;
    for (auto& link : *all)
        batch.news.push_back({false, std::move(link)});
    return batch;
}

}  // namespace

Result<LinkWatch> LinkWatch::open() {
    UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    if (!fd) return error_from_errno(errno, "opening a netlink socket");
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return error_from_errno(errno, "subscribing to interface changes");
    return LinkWatch(std::move(fd));
}

Result<LinkBatch> LinkWatch::read() {
    LinkBatch batch;
    bool overrun = false;
    std::vector<std::uint8_t> buffer(32 << 10);
    for (;;) {
        const auto count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == ENOBUFS) {
            overrun = true;
            continue;
        }
        if (count < 0 && errno != EAGAIN) return error_from_errno(errno, "reading interface changes");
        if (count <= 0) break;
        for_each_message({buffer.data(), static_cast<std::size_t>(count)}, [&](const Received& message) {
            // Bridges announce their ports under the same type.
            if (message.header<ifinfomsg>().ifi_family != AF_UNSPEC) return;
            if (message.type == RTM_NEWLINK || message.type == RTM_DELLINK)
                batch.news.push_back({message.type == RTM_DELLINK, parse_link(message)});
        });
    }
    if (overrun) return full_list();
    return batch;
}

bool follow_vlans(std::set<std::uint32_t>& vlans, const LinkBatch& batch, std::uint32_t lower) {
    const std::set<std::uint32_t> before = vlans;
    if (batch.all_links) vlans.clear();
    for (const auto& [removed, link] : batch.news) {
        if (!removed && link.kind == "vlan" && link.lower == lower)
            vlans.insert(link.index);
        else
            vlans.erase(link.index);
    }
    return vlans != before;
}

const char* name_of(LinkEvent event) noexcept {
    constexpr std::array<const char*, 7> names{"appeared", "vanished",    "up",         "down",
                                               "renamed",  "mac-changed", "mtu-changed"};
    return names[static_cast<std::size_t>(event)];
}

LinkFollower::LinkFollower(std::string name, std::optional<Link> present)
    : name_(std::move(name)), link_(std::move(present)) {}

void LinkFollower::vanish(std::vector<LinkEvent>& events) {
    link_.reset();
    events.push_back(LinkEvent::vanished);
}

void LinkFollower::apply_one(const LinkNews& news, std::vector<LinkEvent>& events) {
    const Link& now = news.link;
    if (link_ && now.index == link_->index) {
        if (news.removed) return vanish(events);
        if (now.name != link_->name) events.push_back(LinkEvent::renamed);
        if (now.mac != link_->mac) events.push_back(LinkEvent::mac_changed);
        if (now.mtu != link_->mtu) events.push_back(LinkEvent::mtu_changed);
        if (running(now) != running(*link_)) events.push_back(running(now) ? LinkEvent::up : LinkEvent::down);
        link_ = now;
        return;
    }
    if (news.removed || now.name != name_) return;
    if (link_ && link_->name == name_) vanish(events);  // its end was missed
    if (link_) return;                                  // ours was renamed and lives on: this one is somebody else's
    link_ = now;
    events.push_back(LinkEvent::appeared);
    if (running(now)) events.push_back(LinkEvent::up);
}

std::vector<LinkEvent> LinkFollower::apply(const LinkBatch& batch) {
    std::vector<LinkEvent> events;
    if (batch.all_links && link_) {
        const bool there = std::any_of(batch.news.begin(), batch.news.end(),
                                       [&](const LinkNews& news) { return news.link.index == link_->index; });
        if (!there) vanish(events);
    }
    for (const auto& news : batch.news)
        apply_one(news, events);
    return events;
}

}  // namespace gabion::net
