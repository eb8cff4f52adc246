// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/link.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "dataplane/core/fd.h"
#include "dataplane/net/ethtool.h"
#include "dataplane/net/netlink.h"

namespace gabion::net {

namespace {

Result<Link> one_link(const ifinfomsg& header, std::string_view name, const std::string& what) {
    auto netlink = Netlink::open();
    if (!netlink) return netlink.error();
    Message message(RTM_GETLINK, NLM_F_ACK, header);
    if (!name.empty()) message.put(IFLA_IFNAME, name);
    Link link;
    auto done = netlink->request(message, what, [&](const Received& received) { link = parse_link(received); });
    if (!done) return done.error();
    return link;
}

// Those in use, of the kind whose names begin so; 0 where sysfs does not show the interface (it may be that of another namespace).
std::uint32_t listed_queues(const std::string& interface, std::string_view kind) {
    std::error_code error;
    const std::filesystem::directory_iterator queues("/sys/class/net/" + interface + "/queues", error);
    return static_cast<std::uint32_t>(std::count_if(begin(queues), end(queues), [kind](const auto& queue) {
        return queue.path().filename().string().starts_with(kind);
    }));
}

}  // namespace

Link parse_link(const Received& message) {
    const auto header = message.header<ifinfomsg>();
    const auto attributes = message.attributes<ifinfomsg>();
    Link link;
    link.index = static_cast<std::uint32_t>(header.ifi_index);
    link.name = attributes.text(IFLA_IFNAME);
    link.kind = attributes.nested(IFLA_LINKINFO).text(IFLA_INFO_KIND);
    link.mac = attributes.value<MacAddress>(IFLA_ADDRESS);
    link.mtu = attributes.value<std::uint32_t>(IFLA_MTU);
    const bool lower_elsewhere = !attributes.bytes(IFLA_LINK_NETNSID).empty();
    link.lower = lower_elsewhere ? 0 : attributes.value<std::uint32_t>(IFLA_LINK);
    link.master = attributes.value<std::uint32_t>(IFLA_MASTER);
    link.rx_queues = std::max(1u, attributes.value<std::uint32_t>(IFLA_NUM_RX_QUEUES, 1));
    link.tx_queues = std::max(1u, attributes.value<std::uint32_t>(IFLA_NUM_TX_QUEUES, 1));
    link.up = (header.ifi_flags & IFF_UP) != 0;
    link.promiscuous = (header.ifi_flags & IFF_PROMISC) != 0;
    link.carrier = attributes.value<std::uint8_t>(IFLA_CARRIER) != 0;
    const auto xdp = attributes.nested(IFLA_XDP);
    link.xdp_program = xdp.value<std::uint32_t>(IFLA_XDP_PROG_ID);
    link.xdp_generic = xdp.value<std::uint8_t>(IFLA_XDP_ATTACHED) == XDP_ATTACHED_SKB;
    return link;
}

Result<Link> link_by_name(const std::string& name) {
    if (name.empty() || name.size() >= IFNAMSIZ)
        return Error{"interface '" + name + "': a name has 1 to 15 characters", EINVAL};
    return one_link({}, name, "interface " + name);
}

Result<Link> link_by_index(std::uint32_t index) {
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(index);
    return one_link(header, {}, "interface number " + std::to_string(index));
}

Result<std::vector<Link>> links() {
    auto netlink = Netlink::open();
    if (!netlink) return netlink.error();
    Message message(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
    std::vector<Link> result;
    auto done = netlink->request(message, "listing interfaces", [&](const Received& received) {
        if (received.type == RTM_NEWLINK) result.push_back(parse_link(received));
    });
    if (!done) return done.error();
    return result;
}

Result<std::vector<Link>> vlan_devices_on(std::uint32_t index) {
    auto all = links();
    if (!all) return all.error();
    std::erase_if(*all, [&](const Link& link) { return link.kind != "vlan" || link.lower != index; });
    return std::move(*all);
}

Result<void> change_link(std::uint32_t index, const LinkChange& change) {
    auto netlink = Netlink::open();
    if (!netlink) return netlink.error();
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(index);
    if (change.up) {
        header.ifi_change |= IFF_UP;
        if (*change.up) header.ifi_flags |= IFF_UP;
    }
    if (change.promiscuous) {
        header.ifi_change |= IFF_PROMISC;
        if (*change.promiscuous) header.ifi_flags |= IFF_PROMISC;
    }
    if (change.no_arp) {
        header.ifi_change |= IFF_NOARP;
        header.ifi_flags |= IFF_NOARP;
    }
    Message message(RTM_NEWLINK, NLM_F_ACK, header);
    if (change.mac) message.put(IFLA_ADDRESS, *change.mac);
    if (change.mtu) message.put(IFLA_MTU, *change.mtu);
    return netlink->request(message, "changing interface number " + std::to_string(index));
}

Result<void> delete_link(std::uint32_t index) {
    auto netlink = Netlink::open();
    if (!netlink) return netlink.error();
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(index);
    Message message(RTM_DELLINK, NLM_F_ACK, header);
    return netlink->request(message, "deleting interface number " + std::to_string(index));
}

std::uint32_t rx_queue_count(const Link& link) {
    const auto channels = rx_channels(link.name);
    return std::max(1u, channels ? *channels : link.rx_queues);
}

std::uint32_t tx_queue_count(const Link& link) {
    const auto all = channels(link.name);
    const std::uint32_t told = all ? all->transmitting() : link.tx_queues;
    const std::uint32_t listed = listed_queues(link.name, "tx-");
    return std::max(1u, listed == 0 ? told : std::min(told, listed));
}

std::uint32_t queue_count_max(const Link& link) {
    const auto all = channels(link.name);
    return std::max({link.rx_queues, link.tx_queues, all ? all->receiving_max() : 1u});
}

bool set_sysctl(std::string_view family, const std::string& link, std::string_view key, std::string_view value) {
    const std::string path = "/proc/sys/net/" + std::string(family) + "/conf/" + link + "/" + std::string(key);
    UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return file && ::write(file.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

}  // namespace gabion::net
