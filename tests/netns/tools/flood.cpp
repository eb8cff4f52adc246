// SPDX-License-Identifier: Apache-2.0
// gbn-flood: a fast attacker. The kernel runs an XDP program over live frames (BPF_F_TEST_XDP_LIVE_FRAMES) that gives each another
// source and sends it out of a veth: more than 10 Mpps on one core. A call costs about 25 ms to set up and then runs at
// full speed, so --rate is met on average over calls, not packet by packet; use gbn-send for even pacing.
#include "tests/netns/tools/flood.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <CLI/CLI.hpp>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tests/netns/tools/frame.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include "flood.skel.h"
#pragma GCC diagnostic pop

namespace gabion::lab {
namespace {

struct Options {
    std::string interface, to_mac, sources = "192.0.2.1", destination, protocol = "udp", tcp_flags = "S", ttl = "64",
                                   source_ports = "1024-65535";
    std::uint16_t destination_port = 80;
    std::size_t size = 60;
    double rate = 0;
    double seconds = 0;
    double lot_ms = 50;
    std::uint64_t count = 0;
    std::uint64_t seed = 1;
};

// "N" or "A-B" as base and span.
std::pair<unsigned, unsigned> base_and_span(const std::string& text) {
    const auto base = static_cast<unsigned>(std::strtoul(text.c_str(), nullptr, 10));
    const std::size_t dash = text.find('-');
    if (dash == std::string::npos) return {base, 1};
    return {base, static_cast<unsigned>(std::strtoul(text.c_str() + dash + 1, nullptr, 10)) - base + 1};
}

// A single prefix is drawn from at random; "any4", "any6" too; everything else is a list, taken in turn.
bool is_random(const std::string& sources) {
    if (sources.starts_with("@")) return false;
    return sources.starts_with("any") ||
           (sources.find(',') == std::string::npos && sources.find('/') != std::string::npos);
}

void set_random_sources(flood_config& config, const std::string& text) {
    std::string prefix = text;
    if (text == "any4") prefix = "64.0.0.0/3";  // half a billion addresses, unicast, neither private nor loopback
    if (text == "any6") prefix = "2000::/3";
    const Address base = parse_address(prefix.substr(0, prefix.find('/')));
    const auto length = static_cast<unsigned>(std::strtoul(prefix.c_str() + prefix.find('/') + 1, nullptr, 10));
    std::array<std::uint8_t, 16> mask{};
    for (unsigned bit = length; bit < base.width() * 8; bit++)
        mask[bit / 8] |= static_cast<std::uint8_t>(0x80 >> (bit % 8));
    std::memcpy(config.base, base.bytes.data(), sizeof config.base);
    std::memcpy(config.mask, mask.data(), sizeof config.mask);
}

struct Plan {
    flood_config config{};
    std::vector<std::uint8_t> frame;
    std::vector<Address> list;
};

// The sums that the program completes: the frame is written once with a source and a port of zero.
Plan make_plan(const Options& options) {
    Plan plan;
    FrameFields fields;
    fields.destination = parse_address(options.destination);
    const bool v6 = fields.destination.family == AF_INET6;
    fields.source.family = fields.destination.family;
    fields.to = parse_mac(options.to_mac);
    fields.from = interface_mac(options.interface);
    fields.protocol = parse_protocol(options.protocol, fields.destination.family);
    if (options.protocol == "icmp") fail("icmp: gbn-send does that");
    fields.tcp_flags = parse_tcp_flags(options.tcp_flags);
    fields.destination_port = options.destination_port;
    fields.ttl = 0;
    fields.ip_length = std::max<std::size_t>(options.size, 46);
    plan.frame.resize(frame_max);
    plan.frame.resize(write_frame(plan.frame, fields));

    std::memcpy(plan.config.head, plan.frame.data(), std::min<std::size_t>(plan.frame.size(), sizeof plan.config.head));
    std::uint8_t* l3 = plan.frame.data() + ethernet_bytes;
    std::uint8_t* l4 = l3 + (v6 ? ipv6_bytes : ipv4_bytes);
    const std::size_t checksum_at = options.protocol == "tcp" ? 16 : 6;
    std::uint16_t written = 0;
    std::memcpy(&written, l4 + checksum_at, 2);
    plan.config.l4_sum = static_cast<std::uint16_t>(~written);
    plan.config.checksum_at = static_cast<std::uint32_t>(checksum_at);
    std::memcpy(&written, l3 + 10, 2);
    plan.config.ip_sum = static_cast<std::uint16_t>(~written);
    plan.config.v6 = v6;
    plan.config.ifindex = interface_index(options.interface);
    plan.config.seed = options.seed * 0x9e3779b97f4a7c15u | 1;
    std::tie(plan.config.port_base, plan.config.port_span) = base_and_span(options.source_ports);
    std::tie(plan.config.ttl_base, plan.config.ttl_span) = base_and_span(options.ttl);

    if (is_random(options.sources)) {
        set_random_sources(plan.config, options.sources);
        return plan;
    }
    const AddressSet set(options.sources);
    if (set.family() != fields.destination.family) fail("sources and destination must be of one family");
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(set.size(), 1u << 24); i++)
        plan.list.push_back(set.at(i));
    plan.config.list_size = static_cast<std::uint32_t>(plan.list.size());
    return plan;
}

flood_bpf* load(const Plan& plan) {
    flood_bpf* skeleton = flood_bpf__open();
    if (skeleton == nullptr) fail("the program does not open");
    std::memcpy(const_cast<flood_config*>(&skeleton->rodata->config), &plan.config, sizeof plan.config);
    skeleton->bss->state = plan.config.seed;
    bpf_map__set_max_entries(skeleton->maps.sources,
                             static_cast<std::uint32_t>(std::max<std::size_t>(plan.list.size(), 1)));
    if (flood_bpf__load(skeleton) != 0) fail("the program does not load");
    for (std::uint32_t i = 0; i < plan.list.size(); i++)
        bpf_map_update_elem(bpf_map__fd(skeleton->maps.sources), &i, plan.list[i].bytes.data(), BPF_ANY);
    return skeleton;
}

void send_lot(int program, const Plan& plan, std::uint64_t frames) {
    std::vector<std::uint8_t> frame = plan.frame;
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()), .repeat = static_cast<int>(frames),
                .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
    const int status = bpf_prog_test_run_opts(program, &run);
    if (status != 0 && status != -EINTR) fail(std::string("live frames: ") + std::strerror(-status));
}

int flood(const Options& options) {
    const Plan plan = make_plan(options);
    flood_bpf* skeleton = load(plan);
    const int program = bpf_program__fd(skeleton->progs.gbn_flood);
    const double lot_ns = options.lot_ms * 1e6;
    // Without a rate: lots long enough that the set-up hardly counts, short enough to stop soon.
    const std::uint64_t lot = options.rate > 0
                                  ? std::max<std::uint64_t>(1, static_cast<std::uint64_t>(options.rate * lot_ns / 1e9))
                                  : 1'000'000;
    const std::uint64_t begin = monotonic_ns();
    const std::uint64_t end =
        options.seconds > 0 ? begin + static_cast<std::uint64_t>(options.seconds * 1e9) : UINT64_MAX;
    std::uint64_t sent = 0;
    double due = static_cast<double>(begin);
    while (!stopped() && monotonic_ns() < end && (options.count == 0 || sent < options.count)) {
        const std::uint64_t frames = options.count == 0 ? lot : std::min(lot, options.count - sent);
        send_lot(program, plan, frames);
        sent += frames;
        if (options.rate <= 0) continue;
        due = std::max(due + lot_ns, static_cast<double>(monotonic_ns()) - lot_ns);
        if (static_cast<double>(monotonic_ns()) < due) sleep_until(std::min(end, static_cast<std::uint64_t>(due)));
    }
    const double seconds = static_cast<double>(monotonic_ns() - begin) / 1e9;
    const std::uint64_t first_ns = skeleton->bss->first_ns;
    flood_bpf__destroy(skeleton);
    std::printf("{\"sent\":%llu,\"seconds\":%.6f,\"pps\":%.0f,\"first_ns\":%llu}\n",
                static_cast<unsigned long long>(sent), seconds, static_cast<double>(sent) / seconds,
                static_cast<unsigned long long>(first_ns));
    return 0;
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app{"Floods a veth with live frames"};
    app.add_option("--interface", options.interface)->required();
    app.add_option("--to-mac", options.to_mac)->required();
    app.add_option("--source", options.sources,
                   "A, A-B, several with commas, @FILE (one a line): in turn; A/LENGTH, any4, any6: at random");
    app.add_option("--destination", options.destination)->required();
    app.add_option("--protocol", options.protocol)->check(CLI::IsMember({"udp", "tcp"}));
    app.add_option("--tcp-flags", options.tcp_flags);
    app.add_option("--ttl", options.ttl, "N or A-B");
    app.add_option("--sport", options.source_ports, "N or A-B");
    app.add_option("--dport", options.destination_port);
    app.add_option("--size", options.size, "IP length");
    app.add_option("--rate", options.rate, "packets a second on average; 0 = as fast as it goes");
    app.add_option("--lot-ms", options.lot_ms, "with --rate: one call for so much time");
    app.add_option("--seconds", options.seconds);
    app.add_option("--count", options.count);
    app.add_option("--seed", options.seed);
    CLI11_PARSE(app, argc, argv);
    if (options.count == 0 && options.seconds <= 0) fail("one of --count and --seconds is needed");
    catch_stop();
    return flood(options);
}

}  // namespace
}  // namespace gabion::lab

int main(int argc, char** argv) { return gabion::lab::run(argc, argv); }
