// SPDX-License-Identifier: Apache-2.0
// The configuration as values, with the defaults of the contract. It is read from TOML all or nothing: every mistake is reported
// with file, line, column, key and what is allowed, and none of it is applied. Rates are packets a second; durations are stored in
// milliseconds. config/gabion.toml tells what each key does.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/address.h"
#include "dataplane/core/amplifiers.h"
#include "dataplane/core/mac_address.h"
#include "dataplane/core/result.h"

namespace gabion::config {

using Milliseconds = std::chrono::milliseconds;

struct InterfaceConfig {
    std::string name;
    std::string mode = "host";             // "inline"
    std::string peer;                      // inline: the other port
    std::string link_control = "forward";  // inline: STP, LACP, LLDP, 802.1X; "drop"
    std::string attach = "auto";           // "native", "generic"
    std::string mac_mode = "off";          // "allow", "deny"
    std::vector<MacAddress> macs;
    std::string backend = "xdp";  // "dpdk"
    std::string device{};         // dpdk: a PCI address or a virtual device
    std::string peer_device{};    // dpdk: that of the other port
};

struct ControlConfig {
    std::string socket = "/run/gabion/control.sock";
    std::string group = "gabion";
};

// How this host is administered, so that nobody locks himself out.
struct OperatorConfig {
    std::vector<unsigned> ports{22};  // local TCP ports of his sessions; empty: none are looked for
    Milliseconds settled{150'000};    // a session that lasted so long is one of somebody who logged in
};

struct StateConfig {
    std::string directory = "/var/lib/gabion";
    std::string pin = "/sys/fs/bpf/gabion";
};

struct WorkersConfig {
    std::vector<unsigned> cpus;  // in queue order; empty: spread over what is isolated, else over all
    std::uint32_t credit = 256;  // packets that may be in a worker's hands
    std::string busy_wait = "isolated";
};

// Of all interfaces whose backend is "dpdk".
struct DpdkConfig {
    std::vector<unsigned> cores;  // a thread each, which polls one queue of every port
    std::uint32_t memory_mib = 256;
    bool huge_pages = true;
    std::uint32_t idle_us = 0;  // that a thread sleeps when nothing comes; 0: it polls on
};

struct SamplingConfig {
    std::uint32_t one_in = 256;  // the thinnest ratio; 1 hands over everything, 0 nothing but the suspicious
    std::uint64_t budget_pps = 2000;
};

struct PanicConfig {
    std::string mode = "auto";          // "on", "off"
    std::uint64_t rate_pps = 0;         // per CPU; 0: learned
    std::uint64_t global_rate_pps = 0;  // all CPUs together while several trip at once; 0: half of what they have alone
    double drop_ratio = 0.8;
};

// Which stages the kernel programs are loaded with. Allow list and bans are always in them: an order must never be without effect.
struct FeaturesConfig {
    bool breaker = true;
    bool quarantine = true;
    bool destinations = true;  // caps and raised postures
    bool handover = true;      // samples to the workers; without it no detector sees anything
    bool hits = true;          // drops counted ban by ban
};

struct BansConfig {
    Milliseconds duration{std::chrono::hours(1)};  // first offence
    std::uint32_t capacity = 1048576;              // operator's addresses, each family
    std::uint32_t prefix_capacity = 131072;        // operator's prefixes, each family
    std::uint32_t detector_capacity = 262144;
    std::uint32_t quarantine_capacity = 65536;
    std::uint64_t blast_addresses = 20000;  // that detectors may cut off in ...
    Milliseconds blast_window{std::chrono::minutes(1)};
};

struct PortCapConfig {
    std::string protocol = "udp";  // "tcp"
    std::uint16_t port = 0;
    std::uint64_t pps = 0;
    friend bool operator==(const PortCapConfig&, const PortCapConfig&) = default;
};

// What the whole host takes, by class of packets. trigger: a flood is on above it, 0 = learned; floor: what a learned one never is below.
struct CapsConfig {
    bool enabled = true;
    double trigger_factor = 8;
    double factor = 2;  // of what is normal, while a flood is on
    Milliseconds hold{5'000};
    std::uint64_t tcp_trigger_pps = 0, syn_trigger_pps = 0, udp_trigger_pps = 0, icmp_trigger_pps = 0,
                  other_trigger_pps = 0;
    std::uint64_t tcp_floor_pps = 200'000, syn_floor_pps = 2'000, udp_floor_pps = 20'000, icmp_floor_pps = 1'000,
                  other_floor_pps = 20'000;
    std::uint64_t syn_pps = 0, udp_pps = 0, icmp_pps = 0;  // 0: only while a flood is on
    std::uint64_t control_pps = 5'000;                     // of routing, DHCP and the like, that goes past caps
    std::vector<PortCapConfig> port;
};

struct EscalationConfig {
    std::uint32_t offenders = 8;  // 0: never
    Milliseconds window{std::chrono::minutes(10)};
    Milliseconds duration{std::chrono::hours(1)};
};

// Limits for single sources on packets to one port.
struct SourcePortConfig {
    std::string protocol = "udp";  // "tcp"
    std::uint16_t port = 0;
    std::uint64_t pps = 0;
    friend bool operator==(const SourcePortConfig&, const SourcePortConfig&) = default;
};

// What a single source may send, a second; 0 = no limit.
struct SourcesConfig {
    bool enabled = true;
    std::string when = "flood";  // "always"
    std::uint32_t capacity = 65536;
    std::uint64_t packets = 20'000, bytes = 50'000'000, tcp = 20'000, udp = 10'000, icmp = 200, syn = 500,
                  connections = 200;
    std::uint64_t new_per_s = 0;  // learned
    Milliseconds burst{1'000};
    std::vector<SourcePortConfig> port;
    bool ban = true;
    double packets_points = 20, bytes_points = 20, tcp_points = 15, connections_points = 30;
    double threshold = 100;
    double decay = 10;  // points a second
};

struct SynConfig {
    std::string way = "auto";         // "cookies", "listener", "cap", "off"
    std::uint64_t engage_pps = 2000;  // to one port
    Milliseconds hold{10'000};
    std::uint64_t answer_pps = 256;  // to one /24 or /48
    std::uint64_t cap_pps = 500;     // that pass to the stack of one port
};

struct AllowConfig {
    std::vector<Prefix> targets;
    std::uint32_t capacity = 65536;
};

struct ConnectionsConfig {
    bool enabled = true;
    std::uint32_t capacity = 65536;         // flows noted at a time
    std::uint32_t proven_capacity = 65536;  // sources that count as proven at a time
    Milliseconds idle{std::chrono::hours(1)};
};

// Sources and packets that no honest sender makes, and what the operator wants nothing of.
struct ValidationConfig {
    bool bogons = true;
    bool private_sources = false;
    bool reserved = false;
    bool land = true;
    bool tcp_flags = true;
    bool port_zero = true;
    std::string fragments = "sound";  // "pass", "drop"
};

struct AmplificationConfig {
    bool enabled = true;
    std::vector<AmplifierRule> rule;
};

struct DetectorSwitchConfig {
    bool enabled = true;
    bool dry_run = false;
};

// Mirrors dataplane/detect/settings.h, which says what each of them decides.
struct DetectorsConfig {
    DetectorSwitchConfig rate, entropy, ttl, size, syn_fin;
    Milliseconds learning{10'000};
    double unlearned_source_pps = 400'000;
    double unlearned_destination_pps = 400'000;
    double destination_floor_pps = 10'000;
    double destination_factor = 4;
    double alarmed_floor_pps = 5'000;
    double alarmed_factor = 2;
    double source_floor_pps = 200;
    double source_factor = 4;
    double known_factor = 4;
    double prefix_floor_pps = 2'000;
    double prefix_factor = 4;
    std::uint32_t prefix_offenders = 16;
    double entropy_bits = 1.0;
    double ttl_share = 0.3;
    double size_divergence = 0.3;
    double syns_per_end = 4;
    double syn_floor_pps = 100;
    double spoofed_floor_pps = 50'000;
    double cap_factor = 2;
    double cap_floor_pps = 10'000;
    double follow_per_hour = 2;
    double quarantine_pps = 8;
    Milliseconds quarantine{60'000};
    std::uint32_t posture_one_in = 16;
    Milliseconds posture{10'000};
    Milliseconds calm_after{5'000};
};

struct Config {
    bool dry_run = false;
    std::vector<InterfaceConfig> interfaces;
    ControlConfig control;
    OperatorConfig operator_sessions;  // [operator]
    StateConfig state;
    WorkersConfig workers;
    DpdkConfig dpdk;
    SamplingConfig sampling;
    PanicConfig panic;
    FeaturesConfig features;
    BansConfig bans;
    EscalationConfig escalation;
    AllowConfig allow;
    SynConfig syn;
    ConnectionsConfig connections;
    ValidationConfig validation;
    AmplificationConfig amplification;
    CapsConfig caps;
    SourcesConfig sources;
    DetectorsConfig detectors;
    std::string on_stop = "keep";    // [daemon]; "detach"
    std::string log_level = "info";  // [log] level
};

// Either a configuration, or every reason why there is none: "FILE:LINE:COLUMN: KEY: what is wrong; what is allowed".
struct ConfigReading {
    std::optional<Config> config;
    std::vector<std::string> problems;

    [[nodiscard]] std::string problem_text() const;  // one a line
};

inline constexpr std::size_t config_bytes_max = 1024 * 1024;

// `interface`: the command line's --interface. The configuration is then for this interface alone: with the settings of the
// [[interface]] of that name if there is one, else with the defaults.
ConfigReading read_config(const std::string& path, const std::string& interface = {});
ConfigReading parse_config(std::string_view text, const std::string& name, const std::string& interface = {});

// TOML that parse_config() reads back as the same configuration, every key written out.
std::string config_text(const Config& config);

// All keys, "panic.rate_pps" and so on, in the order of config_text().
std::vector<std::string> config_keys();

// What differs between two configurations: what a reload puts in force, and what waits for a restart. Interfaces' keys are told as
// "interface.eth0.attach"; another list of interfaces is "interface".
struct ConfigDifference {
    std::vector<std::string> live;
    std::vector<std::string> restart;
};
ConfigDifference difference(const Config& before, const Config& after);

// What is in force after a reload: `after`, with the keys that wait for a restart as they are in `before`.
Config reloaded(const Config& before, const Config& after);

}  // namespace gabion::config
