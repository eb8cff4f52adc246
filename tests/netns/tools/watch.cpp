// SPDX-License-Identifier: Apache-2.0
// gbn-watch: waits for the first drop of an interface and says when it came, to a tenth of a millisecond: it polls the mapped
// per-CPU counters, where asking the daemon would take longer. Prints "ready", then at the end one line of JSON. With --breaker
// it prints what the breaker has counted, at once.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <span>

#include <CLI/CLI.hpp>
#include <bpf/bpf.h>

#include "bpf/abi/cpu.h"
#include "tests/netns/tools/lab.h"

namespace gabion::lab {
namespace {

struct Reason {
    const char* name;
    gabion_action action;
};

constexpr std::array<Reason, GABION_REASON_COUNT> reasons{{
#define X(id, name, action, help) {name, GABION_ACTION_##action},
    GABION_REASONS(X)
#undef X
}};

std::span<const gabion_cpu> map_counters(const std::string& path) {
    const int fd = bpf_obj_get(path.c_str());
    if (fd < 0) fail(path + ": " + std::strerror(errno));
    bpf_map_info info{};
    std::uint32_t length = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0 || info.value_size != sizeof(gabion_cpu))
        fail(path + ": not the per-CPU counters of this version");
    const std::size_t bytes = std::size_t{info.max_entries} * sizeof(gabion_cpu);
    void* address = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED) fail(path + ": mapping: " + std::strerror(errno));
    ::close(fd);
    return {static_cast<const gabion_cpu*>(address), info.max_entries};
}

std::uint64_t dropped(std::span<const gabion_cpu> cpus, std::size_t reason) {
    std::uint64_t all = 0;
    for (const gabion_cpu& cpu : cpus)
        all += static_cast<const volatile gabion_count&>(cpu.reason[reason]).packets;
    return all;
}

void print_breaker(std::span<const gabion_cpu> cpus) {
    std::uint64_t met = 0, trips = 0;
    for (const gabion_cpu& cpu : cpus) {
        met += cpu.breaker.met;
        trips += cpu.breaker.trips;
    }
    std::printf("{\"met\":%llu,\"trips\":%llu,\"dropped\":%llu}\n", static_cast<unsigned long long>(met),
                static_cast<unsigned long long>(trips),
                static_cast<unsigned long long>(dropped(cpus, GABION_REASON_BREAKER)));
}

int run(int argc, char** argv) {
    std::string path;
    double seconds = 10;
    bool breaker = false;
    std::vector<std::string> except;
    CLI::App app{"Waits for an interface's first drop"};
    app.add_option("--counters", path, "the pinned map: PIN/INTERFACE/cpus")->required();
    app.add_option("--seconds", seconds, "at most");
    app.add_option("--except", except, "reasons whose drops are not meant")->delimiter(',');
    app.add_flag("--breaker", breaker);
    CLI11_PARSE(app, argc, argv);
    catch_stop();
    const std::span<const gabion_cpu> cpus = map_counters(path);
    if (breaker) {
        print_breaker(cpus);
        return 0;
    }
    std::array<std::uint64_t, GABION_REASON_COUNT> before{};
    for (std::size_t i = 0; i < before.size(); i++)
        before[i] = dropped(cpus, i);
    std::puts("ready");
    std::fflush(stdout);
    const std::uint64_t end = monotonic_ns() + static_cast<std::uint64_t>(seconds * 1e9);
    while (!stopped() && monotonic_ns() < end) {
        for (std::size_t i = 0; i < before.size(); i++) {
            if (reasons[i].action != GABION_ACTION_DROP || dropped(cpus, i) == before[i]) continue;
            if (std::find(except.begin(), except.end(), reasons[i].name) != except.end()) continue;
            std::printf("{\"first_drop_ns\":%llu,\"reason\":\"%s\"}\n", static_cast<unsigned long long>(monotonic_ns()),
                        reasons[i].name);
            return 0;
        }
        ::usleep(100);
    }
    std::puts("{\"first_drop_ns\":null,\"reason\":null}");
    return 0;
}

}  // namespace
}  // namespace gabion::lab

int main(int argc, char** argv) { return gabion::lab::run(argc, argv); }
