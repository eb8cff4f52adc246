// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/eal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gabion::dpdk {
namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;
using ::testing::Not;

TEST(EalArguments, TellCardsFromVirtualDevices) {
    for (const char* card : {"0000:03:00.0", "03:00.1", "0000:af:1f.7,mprq_en=1"})
        EXPECT_TRUE(is_pci_address(card)) << card;
    for (const char* device : {"net_af_packet0,iface=eth0", "net_ring0", "net_pcap0,rx_pcap=/a:b", "", "eth0"})
        EXPECT_FALSE(is_pci_address(device)) << device;
}

TEST(EalArguments, NameTheKernelsInterface) {
    for (const char* device : {"net_af_packet0,iface=eth2", "net_af_packet0,qpairs=2,iface=eth2,framecnt=8192"})
        EXPECT_EQ(kernel_interface(device), "eth2") << device;
    for (const char* device : {"0000:03:00.0", "net_ring0", "net_ring0,face=a", "net_pcap0,tx_iface=eth2", ""})
        EXPECT_EQ(kernel_interface(device), "") << device;
}

TEST(EalArguments, OfVirtualDevicesWithoutHugePages) {
    const auto arguments = eal_arguments({{"net_ring0", "net_ring1,a=b"}, 64, false}, {0, 3});
    EXPECT_THAT(arguments,
                IsSupersetOf({"--no-huge", "--no-shconf", "--no-pci", "--vdev", "net_ring1,a=b", "64", "0@(0,3)"}));
    EXPECT_THAT(arguments, Not(Contains("--allow")));
}

TEST(EalArguments, OfCardsInHugePages) {
    const auto arguments = eal_arguments({{"0000:03:00.0", "0000:03:00.1"}, 1024, true}, {1});
    EXPECT_THAT(arguments, IsSupersetOf({"--in-memory", "--allow", "0000:03:00.0", "0000:03:00.1", "1024"}));
    EXPECT_THAT(arguments, Not(Contains("--no-pci")));
    EXPECT_THAT(arguments, Not(Contains("--no-huge")));
}

}  // namespace
}  // namespace gabion::dpdk
