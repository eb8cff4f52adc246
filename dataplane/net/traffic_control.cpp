// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/traffic_control.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_mirred.h>

#include <algorithm>

#include "dataplane/net/netlink.h"

namespace gabion::net {

namespace {

std::uint32_t parent_of(Hook hook) {
    return TC_H_MAKE(TC_H_CLSACT, hook == Hook::ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

tcmsg filter_header(std::uint32_t link, const Filter& filter) {
    tcmsg header{};
    header.tcm_ifindex = static_cast<int>(link);
    header.tcm_parent = parent_of(filter.hook);
    header.tcm_handle = filter.handle;
    header.tcm_info = TC_H_MAKE(std::uint32_t{filter.priority} << 16, htons(ETH_P_ALL));
    return header;
}

std::string where(std::uint32_t link, const Filter& filter) {
    return "tc filter " + filter.name + " on interface number " + std::to_string(link);
}

struct Seen {
    Filter filter;
    bool bpf = false;
};

Result<std::vector<Seen>> all_filters(std::uint32_t link, Hook hook) {
    auto netlink = Netlink::open();
    if (!netlink) return netlink.error();
    tcmsg header{};
    header.tcm_ifindex = static_cast<int>(link);
    header.tcm_parent = parent_of(hook);
    Message message(RTM_GETTFILTER, NLM_F_DUMP, header);
    std::vector<Seen> result;
    auto done = netlink->request(message, "listing tc filters", [&](const Received& received) {
        const auto head = received.header<tcmsg>();
        const auto attributes = received.attributes<tcmsg>();
        if (received.type != RTM_NEWTFILTER || head.tcm_handle == 0) return;
        Seen seen;
        seen.bpf = attributes.text(TCA_KIND) == "bpf";
        seen.filter = {hook, static_cast<std::uint16_t>(head.tcm_info >> 16), head.tcm_handle,
                       std::string(attributes.nested(TCA_OPTIONS).text(TCA_BPF_NAME))};
        result.push_back(std::move(seen));
    });
    // No clsact, no filters.
    if (!done && (done.error().code == ENOENT || done.error().code == EINVAL || done.error().code == EOPNOTSUPP))
        return std::vector<Seen>{};
    if (!done) return done.error();
    return result;
}

Result<bool> is_there(std::uint32_t link, const Filter& filter) {
    auto present = filters(link, filter.hook);
    if (!present) return present.error();
    return std::any_of(present->begin(), present->end(), [&](const Filter& other) {
        return other.priority == filter.priority && other.handle == filter.handle && other.name == filter.name;
    });
}

// Our own of before is changed in place, so that each packet meets the one or the other.
Result<void> attach(std::uint32_t link, const Filter& filter, int program_fd, const Redirect* redirect) {
    auto replaces = is_there(link, filter);
    if (!replaces) return replaces.error();
    auto netlink = Netlink::open();
    if (!netlink) return netlink.error();
    const auto flags = NLM_F_ACK | NLM_F_CREATE | (*replaces ? 0 : NLM_F_EXCL);
    Message message(RTM_NEWTFILTER, static_cast<std::uint16_t>(flags), filter_header(link, filter));
    message.put(TCA_KIND, std::string_view("bpf"));
    message.nest(TCA_OPTIONS, [&] {
        message.put(TCA_BPF_FD, static_cast<std::uint32_t>(program_fd));
        message.put(TCA_BPF_NAME, std::string_view(filter.name));
        if (redirect == nullptr) {
            message.put(TCA_BPF_FLAGS, std::uint32_t{TCA_BPF_FLAG_ACT_DIRECT});
            return;
        }
        message.nest(TCA_BPF_ACT, [&] {
            message.nest(1, [&] {
                message.put(TCA_ACT_KIND, std::string_view("mirred"));
                message.nest(TCA_ACT_OPTIONS, [&] {
                    tc_mirred mirred{};
                    mirred.action = TC_ACT_STOLEN;
                    mirred.eaction = redirect->hook == Hook::ingress ? TCA_INGRESS_REDIR : TCA_EGRESS_REDIR;
                    mirred.ifindex = redirect->link;
                    message.put(TCA_MIRRED_PARMS, mirred);
                });
            });
        });
    });
    return netlink->request(message, where(link, filter));
}

}  // namespace

Result<bool> add_clsact(std::uint32_t link) {
    auto netlink = Netlink::open();
    if (!netlink) return netlink.error();
    tcmsg header{};
    header.tcm_ifindex = static_cast<int>(link);
    header.tcm_parent = TC_H_CLSACT;
    header.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
    Message message(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, header);
    message.put(TCA_KIND, std::string_view("clsact"));
    auto done = netlink->request(message, "adding clsact to interface number " + std::to_string(link));
    if (done) return true;
    if (done.error().code == EEXIST) return false;
    return done.error();
}

Result<void> attach_direct_action(std::uint32_t link, const Filter& filter, int program_fd) {
    return attach(link, filter, program_fd, nullptr);
}

Result<void> attach_redirect(std::uint32_t link, const Filter& filter, int program_fd, const Redirect& redirect) {
    return attach(link, filter, program_fd, &redirect);
}

Result<bool> detach(std::uint32_t link, const Filter& filter) {
    const auto ours = is_there(link, filter);
    if (!ours || !*ours) return ours;
    auto netlink = Netlink::open();
    if (!netlink) return netlink.error();
    Message message(RTM_DELTFILTER, NLM_F_ACK, filter_header(link, filter));
    message.put(TCA_KIND, std::string_view("bpf"));
    if (auto done = netlink->request(message, "removing " + where(link, filter)); !done) return done.error();
    return true;
}

Result<std::vector<Filter>> filters(std::uint32_t link, Hook hook) {
    auto all = all_filters(link, hook);
    if (!all) return all.error();
    std::vector<Filter> result;
    for (auto& seen : *all) {
        if (seen.bpf) result.push_back(std::move(seen.filter));
    }
    return result;
}

Result<bool> remove_clsact_if_empty(std::uint32_t link) {
    for (const Hook hook : {Hook::ingress, Hook::egress}) {
        auto present = all_filters(link, hook);
        if (!present) return present.error();
        if (!present->empty()) return false;
    }
    auto netlink = Netlink::open();
    if (!netlink) return netlink.error();
    tcmsg header{};
    header.tcm_ifindex = static_cast<int>(link);
    header.tcm_parent = TC_H_CLSACT;
    header.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
    Message message(RTM_DELQDISC, NLM_F_ACK, header);
    if (auto done = netlink->request(message, "removing clsact from interface number " + std::to_string(link)); !done)
        return done.error();
    return true;
}

}  // namespace gabion::net
