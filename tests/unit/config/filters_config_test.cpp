// SPDX-License-Identifier: Apache-2.0
// The configuration of the filters: MAC addresses, validation, amplification.
#include <gtest/gtest.h>

#include "control/config/config.h"

namespace gabion::config {
namespace {

const std::string interface = "\n[[interface]]\nname = \"eth0\"\n";

ConfigReading parse(const std::string& text) { return parse_config(text, "gabion.toml"); }

void expect_refused(const std::string& text, const std::string& place, const std::string& says) {
    const auto reading = parse(text);
    EXPECT_FALSE(reading.config) << text;
    EXPECT_NE(reading.problem_text().find(place), std::string::npos) << reading.problem_text();
    EXPECT_NE(reading.problem_text().find(says), std::string::npos) << reading.problem_text();
}

std::string macs(int count) {
    std::string list;
    for (int i = 0; i < count; i++)
        list += "\"02:00:00:00:00:0" + std::to_string(i) + "\",";
    return "macs = [" + list + "]\n";
}

TEST(MacFilterConfig, IsReadForEachInterface) {
    const auto reading = parse(interface + "mac_mode = \"allow\"\n" + macs(8) + "[[interface]]\nname = \"eth1\"\n");
    ASSERT_TRUE(reading.config) << reading.problem_text();
    EXPECT_EQ(reading.config->interfaces[0].mac_mode, "allow");
    ASSERT_EQ(reading.config->interfaces[0].macs.size(), 8u);
    EXPECT_EQ(reading.config->interfaces[0].macs[7], (MacAddress{2, 0, 0, 0, 0, 7}));
    EXPECT_EQ(reading.config->interfaces[1].mac_mode, "off");
}

TEST(MacFilterConfig, MistakesAreNamed) {
    expect_refused(interface + macs(9), "gabion.toml:4:8: interface.macs", "at most 8 MAC addresses");
    expect_refused(interface + "mac_mode = \"allow\"\n", "gabion.toml:4:12: interface.macs",
                   "would let nobody through");
    expect_refused(interface + "mac_mode = \"some\"\n", "interface.mac_mode", "\"off\", \"allow\" or \"deny\"");
    expect_refused(interface + "macs = [\"02:00:00:00:00:0a\", \"02:00:00:00:00:0A\"]\n", "interface.macs",
                   "names 02:00:00:00:00:0a twice");
    for (const char* bad : {"", "02:00:00:00:00", "02:00:00:00:00:0g", "02-00-00-00-00-01", "2:0:0:0:0:1",
                            "02:00:00:00:00:01:02", " 2:00:00:00:00:01", "02:00:00:00:00:+1"})
        expect_refused(interface + "macs = [\"" + bad + "\"]\n", "gabion.toml:4:8: interface.macs", "found the text");
}

TEST(ValidationConfig, DefaultsHurtNobody) {
    const auto reading = parse(interface);
    ASSERT_TRUE(reading.config);
    const ValidationConfig& validation = reading.config->validation;
    EXPECT_TRUE(validation.bogons && validation.land && validation.tcp_flags && validation.port_zero);
    EXPECT_FALSE(validation.private_sources || validation.reserved);
    EXPECT_EQ(validation.fragments, "sound");
    expect_refused("[validation]\nfragments = \"some\"" + interface, "gabion.toml:2:13: validation.fragments",
                   R"("pass", "sound" or "drop")");
}

}  // namespace
}  // namespace gabion::config
