// SPDX-License-Identifier: Apache-2.0
// gbn-source: the source of every rate that perf/lab states. Runs source.bpf.c over live frames (BPF_F_TEST_XDP_LIVE_FRAMES) into a
// veth, source and sink on one core. It stays, and runs for as many seconds as each line of its input says; each run is answered
// by one line of JSON: frames sent, and the rate by the program's own clock, without what setting up a call costs.
#include "perf/source.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iostream>

#include <CLI/CLI.hpp>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tests/netns/tools/frame.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include "source.skel.h"
#pragma GCC diagnostic pop

namespace gabion::lab {
namespace {

// A call is to take so long, whatever the sink costs: long beside its set-up, short enough to stop in time.
constexpr double lot_seconds = 0.06;
constexpr std::uint64_t lot_least = 50'000;
constexpr std::uint64_t lot_most = 1'000'000;
constexpr std::size_t ip_length = 64;

struct Options {
    std::string interface, to_mac, sources, destination;
    std::uint16_t destination_port = 9;
    bool one_port = false;
};

struct Plan {
    source_config config{};
    std::vector<std::uint8_t> frame;
};

// What a field of zero in the frame's checksum stands for.
std::uint32_t sum_at(const std::uint8_t* field) {
    std::uint16_t written = 0;
    std::memcpy(&written, field, sizeof written);
    return static_cast<std::uint16_t>(~written);
}

// The frame is written once with a source and a source port of zero; the program completes its sums.
Plan make_plan(const Options& options, const AddressSet& sources) {
    Plan plan;
    FrameFields fields;
    fields.destination = parse_address(options.destination);
    if (sources.family() != fields.destination.family) fail("sources and destination must be of one family");
    const bool v6 = fields.destination.family == AF_INET6;
    fields.source.family = fields.destination.family;
    fields.to = parse_mac(options.to_mac);
    fields.from = interface_mac(options.interface);
    fields.protocol = parse_protocol("udp", fields.destination.family);
    fields.destination_port = options.destination_port;
    fields.ip_length = ip_length;
    plan.frame.resize(frame_max);
    plan.frame.resize(write_frame(plan.frame, fields));
    const std::uint8_t* l3 = plan.frame.data() + ethernet_bytes;
    plan.config.udp_sum = sum_at(l3 + (v6 ? ipv6_bytes : ipv4_bytes) + 6);
    plan.config.ip_sum = sum_at(l3 + 10);
    plan.config.v6 = v6;
    plan.config.one_port = options.one_port;
    plan.config.ifindex = interface_index(options.interface);
    plan.config.list_size = static_cast<std::uint32_t>(sources.size());
    return plan;
}

source_bpf* load(const Plan& plan, const AddressSet& sources) {
    source_bpf* skeleton = source_bpf__open();
    if (skeleton == nullptr) fail("the program does not open");
    std::memcpy(const_cast<source_config*>(&skeleton->rodata->config), &plan.config, sizeof plan.config);
    bpf_map__set_max_entries(skeleton->maps.sources, plan.config.list_size);
    if (source_bpf__load(skeleton) != 0) fail("the program does not load");
    for (std::uint32_t i = 0; i < plan.config.list_size; i++)
        bpf_map_update_elem(bpf_map__fd(skeleton->maps.sources), &i, sources.at(i).bytes.data(), BPF_ANY);
    return skeleton;
}

void send_lot(source_bpf* skeleton, const Plan& plan, std::uint64_t frames) {
    std::vector<std::uint8_t> frame = plan.frame;
    skeleton->bss->clock = {};
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()), .repeat = static_cast<int>(frames),
                .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
    const int status = bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.gbn_source), &run);
    if (status != 0 && status != -EINTR) fail(std::string("live frames: ") + std::strerror(-status));
}

// `lot` is the next call's size, kept from run to run.
void run_for(source_bpf* skeleton, const Plan& plan, double seconds, std::uint64_t& lot) {
    const std::uint64_t end = monotonic_ns() + static_cast<std::uint64_t>(seconds * 1e9);
    std::uint64_t sent = 0, timed = 0, ns = 0;
    do {
        send_lot(skeleton, plan, lot);
        const source_clock& clock = skeleton->bss->clock;
        sent += clock.seen;
        timed += clock.frames;
        ns += clock.last_ns - clock.first_ns;
        const double rate = static_cast<double>(timed) / std::max(1.0, static_cast<double>(ns));
        lot = std::clamp(static_cast<std::uint64_t>(rate * lot_seconds * 1e9), lot_least, lot_most);
    } while (!stopped() && monotonic_ns() < end);
    std::printf("{\"sent\":%llu,\"pps\":%.0f}\n", static_cast<unsigned long long>(sent),
                ns == 0 ? 0 : static_cast<double>(timed) * 1e9 / static_cast<double>(ns));
    std::fflush(stdout);
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app{"The lab's frozen source: for each line of input, seconds of live frames into a veth"};
    app.add_option("--interface", options.interface)->required();
    app.add_option("--to-mac", options.to_mac)->required();
    app.add_option("--source", options.sources, "A, A-B, several with commas, @FILE (one a line): in turn")->required();
    app.add_option("--destination", options.destination)->required();
    app.add_option("--dport", options.destination_port);
    app.add_flag("--one-port", options.one_port,
                 "from one source port, so that a source is a flow; else from one at random for each frame");
    CLI11_PARSE(app, argc, argv);
    const AddressSet sources(options.sources);
    if (sources.size() > 1u << 24) fail("at most 16,777,216 sources");
    catch_stop();
    const Plan plan = make_plan(options, sources);
    source_bpf* skeleton = load(plan, sources);
    double seconds = 0;
    std::uint64_t lot = lot_least;
    while (!stopped() && std::cin >> seconds)
        run_for(skeleton, plan, seconds, lot);
    source_bpf__destroy(skeleton);
    return 0;
}

}  // namespace
}  // namespace gabion::lab

int main(int argc, char** argv) { return gabion::lab::run(argc, argv); }
