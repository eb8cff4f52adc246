// SPDX-License-Identifier: Apache-2.0
#include "control/config/config.h"

#include <chrono>

#include <gtest/gtest.h>

namespace gabion::config {
namespace {

using namespace std::chrono_literals;

const std::string interface = "\n[[interface]]\nname = \"eth0\"\n";

ConfigReading parse(const std::string& text) { return parse_config(text, "gabion.toml"); }

TEST(Config, DefaultsAreTheContracts) {
    const auto reading = parse(interface);
    ASSERT_TRUE(reading.config) << reading.problem_text();
    const Config& config = *reading.config;
    EXPECT_FALSE(config.dry_run);
    ASSERT_EQ(config.interfaces.size(), 1u);
    EXPECT_EQ(config.interfaces[0].name, "eth0");
    EXPECT_EQ(config.interfaces[0].mode, "host");
    EXPECT_EQ(config.interfaces[0].attach, "auto");
    EXPECT_EQ(config.control.socket, "/run/gabion/control.sock");
    EXPECT_EQ(config.state.directory, "/var/lib/gabion");
    EXPECT_EQ(config.state.pin, "/sys/fs/bpf/gabion");
    EXPECT_TRUE(config.workers.cpus.empty());
    EXPECT_EQ(config.sampling.one_in, 256u);
    EXPECT_EQ(config.sampling.budget_pps, 2000u);
    EXPECT_EQ(config.panic.mode, "auto");
    EXPECT_EQ(config.panic.rate_pps, 0u);
    EXPECT_EQ(config.panic.drop_ratio, 0.8);
    EXPECT_EQ(config.bans.duration, 1h);
    EXPECT_EQ(config.bans.capacity, 1048576u);
    EXPECT_TRUE(config.allow.targets.empty());
    EXPECT_EQ(config.on_stop, "keep");
}

TEST(Config, WhatIsSetIsTaken) {
    const auto reading = parse(R"(dry_run = true
[panic]
mode = "on"
drop_ratio = 1
[workers]
cpus = [3, 1]
[bans]
duration = "1h30m"
[allow]
targets = ["192.0.2.1", "2001:db8::/32"]
[detectors]
ttl.enabled = false
source_floor_pps = 12.5
[[interface]]
name = "eth0"
mode = "inline"
peer = "eth1"
[[interface]]
name = "eth2"
attach = "generic"
)");
    ASSERT_TRUE(reading.config) << reading.problem_text();
    EXPECT_TRUE(reading.config->dry_run);
    EXPECT_EQ(reading.config->panic.mode, "on");
    EXPECT_EQ(reading.config->panic.drop_ratio, 1.0);
    EXPECT_EQ(reading.config->workers.cpus, (std::vector<unsigned>{3, 1}));
    EXPECT_EQ(reading.config->bans.duration, 90min);
    ASSERT_EQ(reading.config->allow.targets.size(), 2u);
    EXPECT_EQ(reading.config->allow.targets[1].text(), "2001:db8::/32");
    EXPECT_FALSE(reading.config->detectors.ttl.enabled);
    EXPECT_TRUE(reading.config->detectors.rate.enabled);
    EXPECT_EQ(reading.config->detectors.source_floor_pps, 12.5);
    ASSERT_EQ(reading.config->interfaces.size(), 2u);
    EXPECT_EQ(reading.config->interfaces[0].peer, "eth1");
}

struct BadCase {
    const char* description;
    std::string text;
    const char* place;  // "gabion.toml:LINE:COLUMN: KEY"
    const char* says;
};

const BadCase bad_cases[] = {
    {"unknown key", "nonsense = 1" + interface, "gabion.toml:1:1: nonsense", "unknown key"},
    {"a slip of the pen", "[panic]\nrate_psp = 1" + interface, "gabion.toml:2:1: panic.rate_psp",
     "did you mean rate_pps?"},
    {"unknown section", "[panics]\nmode = \"on\"" + interface, "gabion.toml:1:2: panics", "did you mean panic?"},
    {"unknown key, quoted and strange", "\"a\\u001bb\" = 1" + interface, "gabion.toml:1:1: a?b", "unknown key"},
    {"unknown key of an interface", interface + "colour = 1", "gabion.toml:4:1: interface.colour",
     "attach, backend, device, link_control, mac_mode, macs, mode, name, peer, peer_device"},
    {"text for a flag", "dry_run = \"yes\"" + interface, "gabion.toml:1:11: dry_run",
     "true or false; found the text \"yes\""},
    {"number for a flag", "dry_run = 1" + interface, "gabion.toml:1:11: dry_run", "found 1"},
    {"text for a number", "[sampling]\none_in = \"many\"" + interface, "gabion.toml:2:10: sampling.one_in",
     "from 0 to 1048576"},
    {"fraction for a whole number", "[sampling]\none_in = 1.5" + interface, "sampling.one_in", "whole number"},
    {"date for a number", "[sampling]\none_in = 2031-01-01" + interface, "sampling.one_in", "found a date or time"},
    {"negative", "[panic]\nrate_pps = -1" + interface, "gabion.toml:2:12: panic.rate_pps", "found -1"},
    {"too large", "[panic]\nrate_pps = 9223372036854775807" + interface, "panic.rate_pps", "to 100000000"},
    {"ratio above one", "[panic]\ndrop_ratio = 1.5" + interface, "gabion.toml:2:14: panic.drop_ratio", "from 0 to 1"},
    {"ratio not a number", "[panic]\ndrop_ratio = nan" + interface, "panic.drop_ratio", "from 0 to 1"},
    {"ratio infinite", "[panic]\ndrop_ratio = inf" + interface, "panic.drop_ratio", "from 0 to 1"},
    {"none of the choices", "[panic]\nmode = \"sometimes\"" + interface, "gabion.toml:2:8: panic.mode",
     R"("auto", "on" or "off")"},
    {"not a duration", "[bans]\nduration = \"soon\"" + interface, "gabion.toml:2:12: bans.duration", "1h30m"},
    {"a number for a duration", "[bans]\nduration = 3600" + interface, "bans.duration", "found 3600"},
    {"too short", "[bans]\nduration = \"1ms\"" + interface, "bans.duration", "at least 1s"},
    {"bad address", "[allow]\ntargets = [\"192.0.2.1\",\n\"192.0.2.256\"]" + interface, "allow.targets",
     "line 3: '192.0.2.256'"},
    {"address list is a text", "[allow]\ntargets = \"192.0.2.1\"" + interface, "gabion.toml:2:11: allow.targets",
     "a list"},
    {"CPU twice", "[workers]\ncpus = [1, 1]" + interface, "gabion.toml:2:8: workers.cpus", "CPU 1 twice"},
    {"port twice", "[operator]\nports = [22, 22]" + interface, "gabion.toml:2:9: operator.ports", "port 22 twice"},
    {"port 0", "[operator]\nports = [0]" + interface, "operator.ports", "port numbers from 1 to 65535"},
    {"CPU as text", "[workers]\ncpus = [\"one\"]" + interface, "workers.cpus", "CPU numbers"},
    {"credit beyond what rings hold", "[workers]\ncredit = 2049" + interface, "gabion.toml:2:10: workers.credit",
     "64 to 2048"},
    {"relative path", "[state]\npin = \"bpf\"" + interface, "gabion.toml:2:7: state.pin", "absolute path"},
    {"path too long for a socket", "[control]\nsocket = \"/" + std::string(107, 'x') + "\"" + interface,
     "control.socket", "107"},
    {"a port's cap without a port", "[[caps.port]]\nprotocol = \"udp\"\npps = 1" + interface,
     "gabion.toml:1:1: caps.port", "port must be a whole number from 0 to 65535; it is missing"},
    {"a port's cap for a protocol without ports", "[[caps.port]]\nprotocol = \"icmp\"\nport = 1\npps = 1" + interface,
     "caps.port", R"("tcp" or "udp")"},
    {"a port beyond the last", "[[caps.port]]\nprotocol = \"udp\"\nport = 65536\npps = 1" + interface, "caps.port",
     "found 65536"},
    {"a port twice",
     "[caps]\nport = [{protocol = \"udp\", port = 1, pps = 1}, {protocol = \"udp\", port = 1, pps = 2}]" + interface,
     "gabion.toml:2:8: caps.port", "named twice"},
    {"a slip in a port's cap", "[[caps.port]]\nprotocol = \"udp\"\nport = 1\nppps = 1" + interface, "caps.port",
     "unknown key \"ppps\""},
    {"section is a value", "panic = 3" + interface, "gabion.toml:1:9: panic", "must be a table"},
    {"section is a list of tables", "[[panic]]\nmode = \"on\"" + interface, "panic", "must be a table"},
    {"no interface", "dry_run = true\n", "gabion.toml", "names no interface"},
    {"interface is one table", "[interface]\nname = \"eth0\"\n", "gabion.toml:1:1: interface", "[[interface]]"},
    {"interface is an empty list", "interface = []\n", "interface", "[[interface]]"},
    {"interface without a name", "[[interface]]\nmode = \"host\"\n", "interface.name", "is missing"},
    {"interface's name too long", "[[interface]]\nname = \"abcdefghijklmnop\"\n", "gabion.toml:2:8: interface.name",
     "1 to 15 bytes"},
    {"interface's name is a path", "[[interface]]\nname = \"../etc\"\n", "interface.name", "1 to 15 bytes"},
    {"interface twice", interface + interface, "gabion.toml:6:8: interface.name", "named twice"},
    {"peer is another one's port", interface + "[[interface]]\nname = \"eth1\"\nmode = \"inline\"\npeer = \"eth0\"\n",
     "interface.peer", "named twice"},
    {"inline without a peer", interface + "mode = \"inline\"\n", "gabion.toml:4:8: interface.peer", "is missing"},
    {"control frames without inline", interface + "link_control = \"drop\"\n",
     "gabion.toml:4:16: interface.link_control", "inline"},
    {"peer without inline", interface + "peer = \"eth1\"\n", "gabion.toml:4:8: interface.peer", "inline"},
    {"not TOML", "dry_run = = true" + interface, "gabion.toml:1:", "not TOML"},
    {"a key twice", "dry_run = true\ndry_run = false" + interface, "gabion.toml:2:", "dry_run"},
    {"text without an end", "[panic]\nmode = \"on", "gabion.toml:2:", "not TOML"},
    {"binary",
     std::string("\x7f"
                 "ELF\0\1\2",
                 7),
     "gabion.toml", "binary"},
    {"not UTF-8", "dry_run = \"\xff\xfe\"", "gabion.toml:1:", "not TOML"},
    {"nested without end", "a = " + std::string(5000, '['), "gabion.toml:1:", "not TOML"},
    {"too long", std::string(config_bytes_max + 1, '#'), "gabion.toml", "1 MiB"},
};

TEST(Config, EveryMistakeIsNamedWithItsPlace) {
    for (const BadCase& one : bad_cases) {
        const auto reading = parse(one.text);
        EXPECT_FALSE(reading.config) << one.description;
        ASSERT_FALSE(reading.problems.empty()) << one.description;
        const std::string text = reading.problem_text();
        EXPECT_NE(text.find(one.place), std::string::npos) << one.description << ": " << text;
        EXPECT_NE(text.find(one.says), std::string::npos) << one.description << ": " << text;
        for (const char c : text)
            EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20 && c != '\n') << one.description;
    }
}

TEST(Config, AllMistakesAreReportedAtOnceInTheOrderOfTheFile) {
    const auto reading = parse("dry_run = 1\n[panic]\nmode = 2\nrate_pps = -3\n[allow]\ncolour = 4\n" + interface);
    ASSERT_EQ(reading.problems.size(), 4u) << reading.problem_text();
    for (int i = 0; i < 4; ++i) {
        const std::string wanted[] = {":1:", ":3:", ":4:", ":6:"};
        EXPECT_NE(reading.problems[i].find(wanted[i]), std::string::npos) << reading.problem_text();
    }
}

TEST(Config, TheCommandLinesInterfaceStandsAlone) {
    const auto plain = parse_config("", "gabion.toml", "eth7");
    ASSERT_TRUE(plain.config) << plain.problem_text();
    ASSERT_EQ(plain.config->interfaces.size(), 1u);
    EXPECT_EQ(plain.config->interfaces[0].name, "eth7");
    const auto chosen =
        parse_config(interface + "[[interface]]\nname = \"eth7\"\nattach = \"generic\"\n", "gabion.toml", "eth7");
    ASSERT_TRUE(chosen.config);
    ASSERT_EQ(chosen.config->interfaces.size(), 1u);
    EXPECT_EQ(chosen.config->interfaces[0].attach, "generic");
    EXPECT_FALSE(parse_config("", "gabion.toml", "no/such").config);
}

TEST(Config, IsWrittenAsItIsRead) {
    auto config = *parse(interface).config;
    config.panic.drop_ratio = 1.0 / 3;
    config.detectors.unlearned_source_pps = 1e7;
    config.bans.duration = 90'061'001ms;
    config.allow.targets = {*Prefix::parse("192.0.2.0/24"), *Prefix::parse("::1")};
    config.workers.cpus = {5, 0};
    config.operator_sessions = {{2222, 22}, 0ms};
    config.caps.port = {{"udp", 53, 5000}, {"tcp", 0, 1}};
    config.sources.port = {{"udp", 53, 5000}};
    config.sources.decay = 2.5;
    config.control.group = "quo\"te\\d";
    config.interfaces.push_back(
        {"eth1", "inline", "eth2", "drop", "native", "deny", {*parse_mac("02:00:5e:10:00:01")}});
    config.interfaces.push_back(
        {"wan", "inline", "lan", "forward", "auto", "off", {}, "dpdk", "0000:03:00.0", "net_ring0,a=b"});
    config.dpdk.cores = {2};
    const auto again = parse(config_text(config));
    ASSERT_TRUE(again.config) << again.problem_text();
    EXPECT_EQ(config_text(*again.config), config_text(config));
    EXPECT_EQ(again.config->panic.drop_ratio, config.panic.drop_ratio);
    EXPECT_EQ(again.config->control.group, config.control.group);
    const auto same = difference(config, *again.config);
    EXPECT_TRUE(same.live.empty() && same.restart.empty());
    for (const std::string& key : config_keys())
        EXPECT_NE(config_text(config).find(key.substr(key.rfind('.') + 1) + " = "), std::string::npos) << key;
}

TEST(Config, DifferencesAreLiveOrWaitForARestart) {
    const auto before = *parse(interface).config;
    auto after = before;
    after.panic.mode = "on";
    after.allow.targets.push_back(*Prefix::parse("192.0.2.1"));
    after.bans.capacity = 2048;
    after.workers.credit = 512;
    after.state.pin = "/sys/fs/bpf/other";
    after.interfaces[0].attach = "generic";
    const auto changes = difference(before, after);
    EXPECT_EQ(changes.live, (std::vector<std::string>{"panic.mode", "bans.capacity", "allow.targets"}));
    const std::vector<std::string> restart{"state.pin", "workers.credit",
                                           "interface." + before.interfaces[0].name + ".attach"};
    EXPECT_EQ(changes.restart, restart);
    after.interfaces.emplace_back().name = "other0";
    EXPECT_EQ(difference(before, after).restart[2], "interface");
}

TEST(Config, WhatWaitsForARestartIsNotInForceAfterAReload) {
    const auto before = *parse(interface).config;
    auto after = before;
    after.panic.drop_ratio = 0.5;
    after.workers.cpus = {1, 2};
    after.state.directory = "/var/lib/other";
    after.interfaces[0].attach = "generic";
    after.interfaces.emplace_back().name = "other0";
    const Config in_force = reloaded(before, after);
    EXPECT_EQ(difference(before, in_force).live, (std::vector<std::string>{"panic.drop_ratio"}));
    EXPECT_TRUE(difference(before, in_force).restart.empty());
    // Told again by the next reload, until the restart.
    EXPECT_EQ(difference(in_force, after).restart, difference(before, after).restart);
}

}  // namespace
}  // namespace gabion::config
