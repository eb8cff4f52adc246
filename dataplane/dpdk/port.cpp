// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/port.h"

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <utility>

namespace gabion::dpdk {
namespace {

constexpr std::uint32_t link_header_bytes = RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN;
constexpr unsigned cached_buffers = 256;  // of a thread
// Buffers beside those that stand in rings: in the threads' hands and caches, for as many threads as a port has queues.
constexpr unsigned spare_buffers = 1024;

std::uint16_t buffer_bytes(std::uint16_t mtu) {
    const std::uint32_t frame = RTE_PKTMBUF_HEADROOM + link_header_bytes + mtu + RTE_ETHER_CRC_LEN;
    return static_cast<std::uint16_t>(std::max<std::uint32_t>(RTE_MBUF_DEFAULT_BUF_SIZE, (frame + 63) / 64 * 64));
}

}  // namespace

Error Port::error(int code, const std::string& what) const {
    return error_from_errno(code < 0 ? -code : code, "port " + device_ + ": " + what);
}

Result<Port> Port::open(const std::string& device, std::uint16_t queues) {
    const std::string name = device.substr(0, device.find(','));
    std::uint16_t id = 0;
    if (rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0)
        return Error{"port " + device + ": DPDK found no such device, or has no driver for it (docs/dpdk.md)", ENXIO};
    Port port(device, id);
    if (auto configured = port.configure(queues); !configured) return configured.error();
    return port;
}

Port::Port(Port&& other) noexcept
    : device_(std::move(other.device_)), id_(other.id_), mtu_(other.mtu_), open_(std::exchange(other.open_, false)) {}

Port& Port::operator=(Port&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(id_, other.id_);
    std::swap(mtu_, other.mtu_);
    std::swap(open_, other.open_);
    return *this;
}

Port::~Port() {
    if (!open_) return;
    (void)rte_eth_dev_stop(id_);
    (void)rte_eth_dev_close(id_);
}

Result<void> Port::configure(std::uint16_t queues) {
    rte_eth_dev_info info{};
    if (const int failed = rte_eth_dev_info_get(id_, &info); failed != 0) return error(failed, "asking what it can");
    if (info.max_rx_queues < queues || info.max_tx_queues < queues)
        return Error{"port " + device_ + ": has " + std::to_string(info.max_rx_queues) + " queues to receive and " +
                         std::to_string(info.max_tx_queues) + " to send, and dpdk.cores names " +
                         std::to_string(queues) + " CPUs, which need one each",
                     EINVAL};
    rte_eth_conf conf{};
    conf.rx_adv_conf.rss_conf.rss_hf =
        info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);
    // Without it the device spreads packets over its queues by itself, or has but one.
    if (queues > 1 && conf.rx_adv_conf.rss_conf.rss_hf != 0) conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    if (const int failed = rte_eth_dev_get_mtu(id_, &mtu_); failed != 0) return error(failed, "asking for its MTU");
    conf.rxmode.mtu = mtu_;
    if (const int failed = rte_eth_dev_configure(id_, queues, queues, &conf); failed != 0)
        return error(failed, "configuring it");
    return set_up_queues(queues, rte_eth_dev_socket_id(id_));
}

Result<void> Port::set_up_queues(std::uint16_t queues, int socket) {
    std::uint16_t receiving = descriptors;
    std::uint16_t sending = descriptors;
    if (const int failed = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receiving, &sending); failed != 0)
        return error(failed, "choosing how long its rings are");
    // What this port received may stand in the other one's transmit ring, for as long as that one is open: the buffers go with the EAL.
    const unsigned count = queues * (receiving + std::max<unsigned>(sending, descriptors) + spare_buffers);
    const std::string name = "buffers" + std::to_string(id_);
    rte_mempool* const buffers =
        rte_pktmbuf_pool_create(name.c_str(), count, cached_buffers, 0, buffer_bytes(mtu_), socket);
    if (buffers == nullptr)
        return error_from_errno(rte_errno, "port " + device_ + ": making " + std::to_string(count) + " packet buffers",
                                "dpdk.memory_mib may be too small");
    for (std::uint16_t queue = 0; queue < queues; ++queue) {
        const auto node = static_cast<unsigned>(socket);
        if (const int failed = rte_eth_rx_queue_setup(id_, queue, receiving, node, nullptr, buffers); failed != 0)
            return error(failed, "setting up receive queue " + std::to_string(queue));
        if (const int failed = rte_eth_tx_queue_setup(id_, queue, sending, node, nullptr); failed != 0)
            return error(failed, "setting up transmit queue " + std::to_string(queue));
    }
    return {};
}

Result<void> Port::start() {
    if (const int failed = rte_eth_dev_start(id_); failed != 0) return error(failed, "starting it");
    // A device that has no such switch hears everybody as it is.
    const int failed = rte_eth_promiscuous_enable(id_);
    if (failed != 0 && failed != -ENOTSUP) return error(failed, "making it promiscuous");
    return {};
}

std::uint32_t Port::frame_bytes_max() const noexcept { return mtu_ + link_header_bytes; }

bool Port::is_up() const noexcept {
    rte_eth_link link{};
    return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

bool Port::is_removed() const noexcept { return rte_eth_dev_is_removed(id_) == 1; }

counter::DriverDiscards Port::discards() const noexcept {
    rte_eth_stats stats{};
    if (rte_eth_stats_get(id_, &stats) != 0) return {};
    return {stats.imissed, stats.ierrors, stats.rx_nombuf, stats.oerrors};
}

}  // namespace gabion::dpdk
