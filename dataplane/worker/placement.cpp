// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/placement.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>

namespace gabion::worker {

namespace {

constexpr unsigned cpus_max = CPU_SETSIZE;

void add_range(std::string_view text, std::vector<unsigned>& cpus) {
    unsigned first = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), first);
    if (code != std::errc{}) return;
    unsigned last = first;
    if (end != text.data() + text.size()) {
        if (*end != '-') return;
        const auto [stop, bad] = std::from_chars(end + 1, text.data() + text.size(), last);
        if (bad != std::errc{} || stop != text.data() + text.size()) return;
    }
    for (unsigned cpu = first; cpu <= last && cpu < cpus_max; ++cpu)
        cpus.push_back(cpu);
}

}  // namespace

std::vector<unsigned> parse_cpu_list(std::string_view text) {
    std::vector<unsigned> cpus;
    while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
        text.remove_suffix(1);
    while (!text.empty()) {
        const auto comma = text.find(',');
        add_range(text.substr(0, comma), cpus);
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    return cpus;
}

std::vector<unsigned> isolated_cpus() {
    std::ifstream file("/sys/devices/system/cpu/isolated");
    std::string line;
    std::getline(file, line);
    return parse_cpu_list(line);
}

std::vector<unsigned> usable_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    std::vector<unsigned> cpus;
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return {0};
    for (unsigned cpu = 0; cpu < cpus_max; ++cpu) {
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
    return cpus;
}

std::vector<unsigned> place(std::size_t workers, const std::vector<unsigned>& configured,
                            const std::vector<unsigned>& isolated, const std::vector<unsigned>& usable) {
    const auto& pool = !configured.empty() ? configured : !isolated.empty() ? isolated : usable;
    std::vector<unsigned> result;
    for (std::size_t i = 0; i < workers && !pool.empty(); ++i)
        result.push_back(pool[i % pool.size()]);
    return result;
}

bool waits_busily(BusyWait wanted, unsigned cpu, const std::vector<unsigned>& isolated) {
    if (wanted != BusyWait::isolated) return wanted == BusyWait::always;
    return std::find(isolated.begin(), isolated.end(), cpu) != isolated.end();
}

Result<void> pin_this_thread(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu < cpus_max) CPU_SET(cpu, &set);
    if (::sched_setaffinity(0, sizeof set, &set) == 0) return {};
    return error_from_errno(errno, "pinning a worker to CPU " + std::to_string(cpu), "is that CPU there and online?");
}

}  // namespace gabion::worker
