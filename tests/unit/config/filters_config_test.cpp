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

TEST(AmplificationConfig, RulesAreReadAndWrittenAsTheyAreRead) {
    const std::string text =
        "[[amplification.rule]]\nname = \"dns\"\nport = 53\nshortest = 200\npayload = [\"2:80/80\"]\n"
        "[[amplification.rule]]\nname = \"mine\"\nport = 9999\nshortest = 8\nlongest = 100\nspare_port = 77\n"
        "payload = [\"0:17\", \"4:0000a1B2\"]\n" +
        interface;
    const auto reading = parse(text);
    ASSERT_TRUE(reading.config) << reading.problem_text();
    const auto& rules = reading.config->amplification.rule;
    ASSERT_EQ(rules.size(), 2u);
    EXPECT_EQ(rules[0].name, "dns");
    EXPECT_EQ(rules[0].shortest, 200);
    ASSERT_EQ(rules[0].bytes.size(), 1u);
    EXPECT_EQ(rules[0].bytes[0].mask, 0x80);
    EXPECT_EQ(rules[1].spare_port, 77);
    ASSERT_EQ(rules[1].bytes.size(), 5u);
    EXPECT_EQ(rules[1].bytes[4].offset, 7);
    EXPECT_EQ(rules[1].bytes[4].value, 0xb2);
    const std::string written = config_text(*reading.config);
    EXPECT_NE(written.find(R"(payload = ["0:17", "4:0000a1b2"] })"), std::string::npos) << written;
    const auto again = parse(written);
    ASSERT_TRUE(again.config) << again.problem_text();
    EXPECT_EQ(config_text(*again.config), written);
}

TEST(AmplificationConfig, MistakesAreNamed) {
    const std::string begin = "[[amplification.rule]]\nname = \"mine\"\n";
    expect_refused(begin + interface, "amplification.rule",
                   "port must be a whole number from 1 to 65535; it is missing");
    expect_refused(begin + "port = 70000\n" + interface, "amplification.rule", "port must be a whole number");
    expect_refused(begin + "port = 9\nlength = 3\n" + interface, "amplification.rule", "unknown key \"length\"");
    expect_refused("[[amplification.rule]]\nname = \"A b\"\nport = 9\n" + interface, "amplification.rule",
                   "name must be up to 32 small letters");
    expect_refused(begin + "port = 9\nshortest = 3\npayload = [\"0:17\"]\n" + interface, "amplification.rule",
                   "mine: the shortest length must hold every byte");
    for (const char* bad :
         {"17", ":17", "0:", "0:1", "0:17/8", "0:17/07", "0:17/1717", "0:xy", "-1:17", "0/17:17", "65535:1717"})
        expect_refused(begin + "port = 9\nshortest = 8\npayload = [\"" + bad + "\"]\n" + interface, "line 1: payload",
                       "OFFSET:BYTES/MASK");
    std::string many;
    for (int i = 0; i < 65; i++)
        many += begin + "port = " + std::to_string(1000 + i) + "\n";
    expect_refused(many + interface, "amplification.rule", "up to 64 tables");
}

}  // namespace
}  // namespace gabion::config
