// SPDX-License-Identifier: Apache-2.0
// The configuration of interfaces on DPDK.
#include <gtest/gtest.h>

#include "control/config/config.h"

namespace gabion::config {
namespace {

const std::string dpdk = "[dpdk]\ncores = [2, 3]\n";
const std::string devices = "device = \"0000:03:00.0\"\npeer_device = \"net_ring0\"\n";

std::string pair(const std::string& name, const std::string& rest) {
    return "[[interface]]\nname = \"" + name + "\"\nmode = \"inline\"\npeer = \"" + name + "b\"\n" + rest;
}

ConfigReading parse(const std::string& text) { return parse_config(text, "gabion.toml"); }

void expect_refused(const std::string& text, const std::string& key, const std::string& says) {
    const auto reading = parse(text);
    EXPECT_FALSE(reading.config) << text;
    EXPECT_NE(reading.problem_text().find(key), std::string::npos) << reading.problem_text();
    EXPECT_NE(reading.problem_text().find(says), std::string::npos) << reading.problem_text();
}

TEST(DpdkConfig, IsReadAndWrittenAsItIsRead) {
    const auto reading = parse(dpdk + "huge_pages = false\n" + pair("wan", "backend = \"dpdk\"\n" + devices));
    ASSERT_TRUE(reading.config) << reading.problem_text();
    const InterfaceConfig& interface = reading.config->interfaces[0];
    EXPECT_EQ(interface.backend, "dpdk");
    EXPECT_EQ(interface.device, "0000:03:00.0");
    EXPECT_EQ(interface.peer_device, "net_ring0");
    EXPECT_EQ(reading.config->dpdk.cores, (std::vector<unsigned>{2, 3}));
    EXPECT_FALSE(reading.config->dpdk.huge_pages);
    const auto again = parse(config_text(*reading.config));
    ASSERT_TRUE(again.config) << again.problem_text();
    EXPECT_EQ(config_text(*again.config), config_text(*reading.config));
}

TEST(DpdkConfig, NeedsAPairOfDevicesAndCores) {
    const std::string on = "backend = \"dpdk\"\n";
    expect_refused(dpdk + pair("wan", on), "interface.device", "needs the port's PCI address");
    expect_refused(dpdk + pair("wan", on + "device = \"net_ring0\"\n"), "interface.peer_device", "is missing");
    expect_refused(dpdk + pair("wan", on + "device = \"net_ring0\"\npeer_device = \"net_ring0\"\n"),
                   "interface.peer_device", "is the same as device");
    expect_refused(pair("wan", on + devices), "dpdk.cores", "is empty");
    expect_refused(dpdk + "[[interface]]\nname = \"wan\"\n" + on + devices, "interface.backend",
                   "works in mode = \"inline\" only");
    expect_refused(dpdk + pair("wan", on + devices + "attach = \"native\"\n"), "interface.attach",
                   "belongs to backend = \"xdp\" only");
    expect_refused(dpdk + pair("wan", on + devices) + pair("other", on + devices), "interface.backend",
                   "one pair of ports can be on DPDK");
    expect_refused(dpdk + pair("wan", devices), "interface.device", "belongs to backend = \"dpdk\" only");
    expect_refused(dpdk + pair("wan", "backend = \"vpp\"\n"), "interface.backend", "\"xdp\" or \"dpdk\"");
}

}  // namespace
}  // namespace gabion::config
