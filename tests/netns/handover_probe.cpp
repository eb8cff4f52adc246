// SPDX-License-Identifier: Apache-2.0
// The hand-over and the hand-back alone, with real traffic: every packet is handed over, nothing is lost. Prints TAP, one line a case.
//
//   handover_probe TOOLS [CASE...]     TOOLS: the folder of gbn-send and gbn-recv
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/netns/datagram_stream.h"
#include "tests/netns/handover_bed.h"
#include "tests/netns/probe_cases.h"
#include "tests/netns/tcp_stream.h"

namespace gabion::probe {
namespace {

std::string tools;
bool long_run = false;

struct Mode {
    bool native = true;
    bool v6 = false;
    std::uint32_t queues = 1;
};

void check(bool holds, const std::string& what) {
    if (!holds) fail(what);
}

void expect(const char* what, std::uint64_t is, std::uint64_t should) {
    if (is != should) fail(std::string(what) + " is " + std::to_string(is) + ", not " + std::to_string(should));
}

DatagramStream stream_of(const Mode& mode, std::uint64_t count, std::uint64_t rate_pps) {
    return {tools, mode.v6, count, rate_pps};
}

struct ErrorCounters {
    std::uint64_t checksum = 0;
    std::uint64_t other = 0;
    static ErrorCounters read() {
        return {kernel_counter("Udp", "InCsumErrors") + kernel_counter("Tcp", "InCsumErrors") +
                    kernel_counter("snmp6", "Udp6InCsumErrors"),
                kernel_counter("Ip", "InHdrErrors") + kernel_counter("Ip", "InAddrErrors") +
                    kernel_counter("snmp6", "Ip6InHdrErrors") + kernel_counter("snmp6", "Ip6InAddrErrors")};
    }
};

// A million clean packets and more go through the worker, at 300,000 a second. On a busy machine part of them passes the worker by;
// then more are sent.
void clean_udp(const Mode& mode) {
    constexpr std::uint64_t count = 1'000'000;
    constexpr int rounds_max = 3;
    Bed bed({mode.native, mode.queues});
    Child workers = bed.start_workers();
    const auto before = ErrorCounters::read();
    double best_pps = 0;
    const DatagramStream stream = stream_of(mode, count, 320'000);
    for (int round = 0; round < rounds_max; ++round) {
        const std::uint64_t overflows = socket_overflows();
        Child receiver = start_receiver(bed, stream);
        Child sender = start_sender(bed, stream);
        const Outcome outcome = finish(sender, receiver, overflows);
        bed.settle();
        best_pps = std::max(best_pps, static_cast<double>(outcome.sent) / outcome.seconds);
        std::printf("# %.0f a second, handed over %llu and passed %llu in all, reordered %llu\n",
                    static_cast<double>(outcome.sent) / outcome.seconds, bed.totals().handed_over.packets,
                    bed.totals().passed.packets, static_cast<unsigned long long>(outcome.reordered));
        expect("lost", outcome.lost(), 0);
        expect("duplicated", outcome.duplicated, 0);
        if (bed.totals().handed_over.packets >= count && best_pps >= 300'000) break;
    }
    const auto after = ErrorCounters::read();
    expect("checksum errors", after.checksum - before.checksum, 0);
    expect("header errors", after.other - before.other, 0);
    expect("counted as lost", bed.workers().lost, 0);
    expect("foreign packets", bed.totals().foreign.packets, 0);
    check(bed.totals().handed_over.packets >= count, "fewer than a million were handed over");
    if (best_pps < 300'000) skip("this machine is too busy to send 300,000 packets a second; nothing was lost");
}

// Real sockets both ways, offloads as they come: segments arrive with only the pseudo-header's sum.
void tcp(const Mode& mode) {
    Bed bed({mode.native, mode.queues});
    Child workers = bed.start_workers();
    const auto before = ErrorCounters::read();
    const std::string address = mode.v6 ? "fd77::1" : "10.77.0.1";
    for (const char* direction : {"upload", "download"}) {
        Child server = bed.start_call(false, serve_stream, std::string(direction) + " " + address);
        check(server.line() == "ready", "the server did not start");
        Child client = bed.start_call(true, use_stream, std::string(direction) + " " + address);
        const std::string report = client.finish();
        server.finish();
        std::printf("# %s: %s", direction, report.c_str());
    }
    bed.settle();
    const auto after = ErrorCounters::read();
    const auto workers_now = bed.workers();
    std::printf("# handed over %llu, checksums completed %llu\n", bed.totals().handed_over.packets,
                workers_now.checksums_completed);
    expect("checksum errors", after.checksum - before.checksum, 0);
    expect("counted as lost", workers_now.lost, 0);
    check(bed.totals().handed_over.packets > 1000, "hardly anything was handed over");
    check(workers_now.checksums_completed > 1000, "no bare pseudo-header sums were seen: the case tests nothing");
}

// More than a worker can take: the rest passes, nothing is lost between the program and the stack.
void overload(const Mode& mode) {
    Bed bed({mode.native, mode.queues});
    Child workers = bed.start_workers();
    bed.settle();
    const std::uint64_t received_before = bed.totals().received.packets;
    const std::uint64_t arrived_before = kernel_counter("Ip", "InReceives");
    Child sender = start_sender(bed, stream_of(mode, 2'000'000, 2'000'000));
    const auto sent = nlohmann::json::parse(sender.finish());
    bed.settle();
    const auto totals = bed.totals();
    const std::uint64_t not_ip =
        totals.reason[GABION_REASON_NOT_IP].packets + totals.reason[GABION_REASON_NEIGHBOUR].packets;
    const std::uint64_t answers = kernel_counter("Ip", "InReceives") - arrived_before;
    std::printf("# received %llu in %.2f s, handed over %llu, passed %llu\n", totals.received.packets,
                double{sent["seconds"]}, totals.handed_over.packets, totals.passed.packets);
    expect("counted as lost", bed.workers().lost, 0);
    expect("failed transmits", bed.workers().tx_failed, 0);
    const std::uint64_t met = totals.received.packets - received_before;
    check(answers <= met && answers + not_ip >= met,
          "the stack got " + std::to_string(answers) + " of " + std::to_string(met) + " packets");
    check(totals.passed.packets > 1000, "there was no overload");
}

// CPU time of all threads of a process, in nanoseconds.
std::uint64_t cpu_time_ns(pid_t pid) {
    std::uint64_t total = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
        std::uint64_t ran = 0;
        std::ifstream(task.path() / "schedstat") >> ran;
        total += ran;
    }
    return total;
}

// An idle worker uses no CPU, and takes the first packet of a burst.
void idle(const Mode& mode) {
    Bed bed({mode.native, mode.queues});
    Child workers = bed.start_workers();
    ::poll(nullptr, 0, 200);
    const std::uint64_t before_ns = cpu_time_ns(workers.pid());
    ::poll(nullptr, 0, 3000);
    const std::uint64_t used_ns = cpu_time_ns(workers.pid()) - before_ns;
    std::printf("# idle for 3 s: %.3f ms of CPU time\n", static_cast<double>(used_ns) / 1e6);
    check(before_ns > 0 && used_ns < 30'000'000, "an idle worker used more than 1 % of a CPU");
    for (int burst = 0; burst < 5; ++burst) {
        ::poll(nullptr, 0, 500);
        const std::uint64_t before = bed.totals().handed_over.packets;
        Child sender = start_sender(bed, stream_of(mode, 100, 300'000));
        sender.finish();
        bed.settle();
        check(bed.totals().handed_over.packets - before >= 100, "the burst was not handed over whole");
    }
    expect("counted as lost", bed.workers().lost, 0);
}

// What a daemon goes through, under load: `disturb` acts on the workers' child while packets flow.
struct Disturbed {
    Outcome outcome;
    std::uint64_t counted_lost = 0;
};

Disturbed disturbed(const Mode& mode, const std::function<void(Bed&, std::unique_ptr<Child>&)>& disturb) {
    Bed bed({mode.native, mode.queues});
    auto workers = std::make_unique<Child>(bed.start_workers());
    const DatagramStream stream = stream_of(mode, 1'000'000, 250'000);
    Child receiver = start_receiver(bed, stream);
    Child sender = start_sender(bed, stream);
    disturb(bed, workers);
    Disturbed result;
    result.outcome = finish(sender, receiver, 0);
    bed.settle();
    result.counted_lost = bed.workers().lost;
    std::printf("# lost %llu, counted as lost %llu, duplicated %llu, reordered %llu, late %llu, handed over %llu\n",
                static_cast<unsigned long long>(result.outcome.lost()),
                static_cast<unsigned long long>(result.counted_lost),
                static_cast<unsigned long long>(result.outcome.duplicated),
                static_cast<unsigned long long>(result.outcome.reordered), bed.workers().late,
                bed.totals().handed_over.packets);
    expect("duplicated", result.outcome.duplicated, 0);
    return result;
}

void stopped(const Mode& mode) {
    const auto result = disturbed(mode, [](Bed&, std::unique_ptr<Child>& workers) {
        ::poll(nullptr, 0, 700);
        workers->signal(SIGSTOP);
        ::poll(nullptr, 0, 2000);
        workers->signal(SIGCONT);
    });
    expect("lost", result.outcome.lost(), 0);
    expect("counted as lost", result.counted_lost, 0);
}

void restarted(const Mode& mode) {
    const auto result = disturbed(mode, [](Bed& bed, std::unique_ptr<Child>& workers) {
        for (int i = 0; i < (long_run ? 20 : 4); ++i) {
            ::poll(nullptr, 0, long_run ? 80 : 300);
            workers->signal(SIGTERM);
            check(workers->wait() == 0, "the workers did not stop in order");
            ::poll(nullptr, 0, 50);
            workers = std::make_unique<Child>(bed.start_workers());
        }
    });
    expect("lost", result.outcome.lost(), 0);
    expect("counted as lost", result.counted_lost, 0);
}

void killed(const Mode& mode) {
    constexpr std::uint64_t rings = GABION_CREDIT_DEFAULT;
    std::uint64_t rounds = long_run ? 20 : 4;
    const auto result = disturbed(mode, [&](Bed& bed, std::unique_ptr<Child>& workers) {
        for (std::uint64_t i = 0; i < rounds; ++i) {
            ::poll(nullptr, 0, long_run ? 80 : 300);
            workers->signal(SIGKILL);
            workers->wait();
            ::poll(nullptr, 0, 50);
            workers = std::make_unique<Child>(bed.start_workers());
        }
    });
    expect("lost, by the counter", result.counted_lost, result.outcome.lost());
    check(result.outcome.lost() <= rounds * rings * mode.queues, "more was lost than stood in the rings");
}

std::vector<Case> cases() {
    std::vector<Case> list;
    for (const bool native : {true, false}) {
        const std::string attach = native ? "native" : "generic";
        for (const bool v6 : {false, true}) {
            const Mode mode{native, v6, 1};
            const std::string name = attach + (v6 ? "-v6" : "-v4");
            list.push_back({"udp-" + name, [mode] { clean_udp(mode); }});
            list.push_back({"tcp-" + name, [mode] { tcp(mode); }});
        }
        const Mode mode{native, false, 1};
        list.push_back({"overload-" + attach, [mode] { overload(mode); }});
        list.push_back({"idle-" + attach, [mode] { idle(mode); }});
        list.push_back({"stopped-" + attach, [mode] { stopped(mode); }});
        list.push_back({"restarted-" + attach, [mode] { restarted(mode); }});
        list.push_back({"killed-" + attach, [mode] { killed(mode); }});
    }
    const Mode two{true, false, 2};
    list.push_back({"udp-native-two-queues", [two] { clean_udp(two); }});
    return list;
}

}  // namespace
}  // namespace gabion::probe

int main(int argc, char** argv) {
    using namespace gabion::probe;
    const std::set<std::string> in_short_runs{"tcp-native-v4", "tcp-generic-v6",    "overload-native",
                                              "idle-native",   "restarted-generic", "udp-native-two-queues"};
    if (::geteuid() != 0) {
        std::printf("1..0 # SKIP needs root\n");
        return 0;
    }
    if (argc < 2) return 2;
    tools = argv[1];
    long_run = std::getenv("GABION_LONG") != nullptr;
    auto all = cases();
    // The daemon's own scenarios cover the same ground in every run; the rest of this is for long ones.
    if (argc == 2 && !long_run) std::erase_if(all, [&](const Case& one) { return !in_short_runs.contains(one.name); });
    if (argc > 2) {
        std::erase_if(all, [&](const Case& one) {
            return std::none_of(argv + 2, argv + argc,
                                [&](const char* want) { return one.name.find(want) != std::string::npos; });
        });
    }
    return run_cases(all);
}
