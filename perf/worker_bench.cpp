// SPDX-License-Identifier: Apache-2.0
// CPU time that a worker's thread spends for a packet, against a bare AF_XDP loop over the same program, socket and traffic: receiving
// alone, where handing back is left out of both, and the whole way, where the bare loop hands back too. Rounds are interleaved;
// medians count. Prints one line a kind with its ratio.
//
//   worker_bench TOOLS [--rate PPS] [--sources LIST] [--seconds S] [--rounds N] [--only receive|handback] [--json FILE] [--check]
//     TOOLS: the folder of gbn-flood and gbn-send; --rate 0: as fast as the source goes; --check: 1 when a bound is broken
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "dataplane/worker/placement.h"
#include "perf/worker_loops.h"
#include "tests/netns/handover_bed.h"

namespace gabion::probe {
namespace {

constexpr double ratio_max = 1.4;
constexpr double handback_ratio_max = 1.3;
constexpr std::uint16_t sink_port = 80;

struct Options {
    std::string tools;
    std::string sources = "10.77.0.2,198.18.0.0-198.18.3.231";
    double rate = 0;
    double seconds = 1.5;
    int rounds = 5;
    std::string only;
    std::string json;
    bool check = false;
};

// What is handed back ends in a socket that nobody reads: the cheapest end that the stack has.
UniqueFd sink() {
    UniqueFd fd(::socket(AF_INET, SOCK_DGRAM, 0));
    const int bytes = 0;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(sink_port);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("no socket at the sink");
    return fd;
}

Child start_source(Bed& bed, const Options& options, double seconds) {
    const bool paced = options.rate > 0;
    return bed.start_on(
        worker::usable_cpus().front(), true,
        {options.tools + (paced ? "/gbn-send" : "/gbn-flood"), "--interface", "wan0", "--to-mac", bed.host_mac(),
         "--source", options.sources, "--destination", "10.77.0.1", "--seconds", std::to_string(seconds),
         paced ? "--rate" : "--sport", paced ? std::to_string(options.rate) : "1024-65535"});
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

struct Pair {
    const char* kind;
    const char* reference;
    double ratio_max;
};

int run(const Options& options) {
    const std::vector<Pair> receiving{
        {bare, bare, 0}, {bare_read, bare, 0}, {unobserved, bare, 0}, {observed, bare, ratio_max}};
    const std::vector<Pair> handing_back{{bare_back, bare_back, 0}, {whole, bare_back, handback_ratio_max}};
    std::vector<Pair> pairs;
    if (options.only != "handback") pairs.insert(pairs.end(), receiving.begin(), receiving.end());
    if (options.only != "receive") pairs.insert(pairs.end(), handing_back.begin(), handing_back.end());
    std::map<std::string, std::vector<double>> ns;
    std::map<std::string, std::uint64_t> packets;
    Bed bed({true, 1});
    const UniqueFd socket = sink();
    if (auto pinned = worker::pin_this_thread(worker::usable_cpus().back()); !pinned) fail(pinned.error().text);
    for (int round = 0; round < options.rounds; ++round) {
        for (const Pair& pair : pairs) {
            Child source = start_source(bed, options, options.seconds + 0.5);
            ::poll(nullptr, 0, 250);
            const Measured measured = run_kind(bed, options.seconds, pair.kind);
            source.finish();
            ns[pair.kind].push_back(measured.ns);
            packets[pair.kind] += measured.packets;
        }
    }
    bool broken = false;
    nlohmann::json rows = nlohmann::json::array();
    for (const Pair& pair : pairs) {
        const std::vector<double>& all = ns[pair.kind];
        const double ratio = median(all) / median(ns[pair.reference]);
        const auto [least, most] = std::minmax_element(all.begin(), all.end());
        const double mpps = static_cast<double>(packets[pair.kind]) / options.seconds / options.rounds / 1e6;
        std::printf("%-24s %7.1f ns a packet  x %.2f   (%.1f to %.1f; %.2f Mpps)\n", pair.kind, median(all), ratio,
                    *least, *most, mpps);
        rows.push_back({{"kind", pair.kind},
                        {"reference", pair.reference},
                        {"ns", median(all)},
                        {"least", *least},
                        {"most", *most},
                        {"ratio", ratio},
                        {"mpps", mpps}});
        if (pair.ratio_max > 0 && ratio > pair.ratio_max) {
            std::printf("%s costs %.2f of %s; the bound is %.2f\n", pair.kind, ratio, pair.reference, pair.ratio_max);
            broken = true;
        }
    }
    if (!options.json.empty()) std::ofstream(options.json) << rows << '\n';
    return options.check && broken ? 1 : 0;
}

}  // namespace
}  // namespace gabion::probe

int main(int argc, char** argv) {
    gabion::probe::Options options;
    CLI::App app("CPU time of a worker for each packet");
    app.add_option("tools", options.tools)->required();
    app.add_option("--rate", options.rate);
    app.add_option("--sources", options.sources);
    app.add_option("--seconds", options.seconds);
    app.add_option("--rounds", options.rounds);
    app.add_option("--only", options.only)->check(CLI::IsMember({"receive", "handback"}));
    app.add_option("--json", options.json, "also write the rows to this file");
    app.add_flag("--check", options.check);
    CLI11_PARSE(app, argc, argv);
    if (::geteuid() != 0) {
        std::printf("skipped: needs root\n");
        return 77;
    }
    return gabion::probe::run(options);
}
