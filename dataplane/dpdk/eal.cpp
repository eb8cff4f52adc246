// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/eal.h"

#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace gabion::dpdk {
namespace {

// Catches what DPDK logs, which its errors are told by alone.
class LogCatcher {
public:
    LogCatcher() : stream_(::open_memstream(&text_, &size_)) {
        if (stream_ != nullptr) rte_openlog_stream(stream_);
    }
    LogCatcher(const LogCatcher&) = delete;
    LogCatcher& operator=(const LogCatcher&) = delete;
    ~LogCatcher() {
        rte_openlog_stream(nullptr);
        if (stream_ != nullptr) std::fclose(stream_);
        std::free(text_);
    }

    // What was said last, a few lines in one; empty when nothing was.
    std::string last_lines() {
        if (stream_ == nullptr) return {};
        std::fflush(stream_);
        std::string text(text_, size_);
        while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
            text.pop_back();
        std::size_t begin = text.size();
        for (int line = 0; line < lines_told && begin != std::string::npos && begin != 0; ++line)
            begin = text.rfind('\n', begin - 1);
        if (begin != std::string::npos) text.erase(0, begin == 0 ? 0 : begin + 1);
        for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', end))
            text.replace(end, 1, "; ");
        return text;
    }

private:
    static constexpr int lines_told = 3;

    char* text_ = nullptr;
    std::size_t size_ = 0;
    FILE* stream_;
};

std::vector<unsigned> cpus_of(const cpu_set_t& set) {
    std::vector<unsigned> cpus;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    return cpus;
}

}  // namespace

bool is_pci_address(const std::string& device) {
    const std::string name = device.substr(0, device.find(','));
    return name.find(':') != std::string::npos && std::all_of(name.begin(), name.end(), [](unsigned char c) {
               return std::isxdigit(c) != 0 || c == ':' || c == '.';
           });
}

std::string kernel_interface(const std::string& device) {
    constexpr std::string_view key = ",iface=";
    const std::size_t at = device.find(key);
    if (at == std::string::npos) return {};
    const std::string rest = device.substr(at + key.size());
    return rest.substr(0, rest.find(','));
}

std::vector<std::string> eal_arguments(const EalSettings& settings, const std::vector<unsigned>& cpus) {
    std::string list;
    for (const unsigned cpu : cpus)
        list += (list.empty() ? "" : ",") + std::to_string(cpu);
    std::vector<std::string> arguments{"gabiond", "--no-telemetry",
                                       // one lcore, the calling thread's, that may run wherever it did
                                       "--lcores", "0@(" + list + ")", "-m", std::to_string(settings.memory_mib)};
    if (settings.huge_pages)
        arguments.emplace_back("--in-memory");
    else
        arguments.insert(arguments.end(), {"--no-huge", "--no-shconf"});
    bool pci = false;
    for (const std::string& device : settings.devices) {
        const bool on_bus = is_pci_address(device);
        pci = pci || on_bus;
        arguments.emplace_back(on_bus ? "--allow" : "--vdev");
        arguments.push_back(device);
    }
    if (!pci) arguments.emplace_back("--no-pci");
    return arguments;
}

Result<Eal> Eal::start(const EalSettings& settings) {
    cpu_set_t before;
    if (const int failed = ::pthread_getaffinity_np(::pthread_self(), sizeof before, &before); failed != 0)
        return error_from_errno(failed, "asking which CPUs the thread may run on");
    std::vector<std::string> arguments = eal_arguments(settings, cpus_of(before));
    std::vector<char*> pointers;
    for (std::string& argument : arguments)
        pointers.push_back(argument.data());
    LogCatcher log;
    const int parsed = rte_eal_init(static_cast<int>(pointers.size()), pointers.data());
    const int code = rte_errno != 0 ? rte_errno : EIO;
    (void)::pthread_setaffinity_np(::pthread_self(), sizeof before, &before);
    if (parsed >= 0) {
        rte_log_set_global_level(RTE_LOG_WARNING);
        return Eal(log.last_lines());
    }
    const char* const advice = settings.huge_pages
                                   ? "are there huge pages, and are the ports bound to vfio-pci? docs/dpdk.md tells how"
                                   : "do the devices exist? docs/dpdk.md tells how they are named";
    return error_from_errno(code, "starting DPDK: " + log.last_lines(), advice);
}

Eal::Eal(Eal&& other) noexcept : said_(std::move(other.said_)), running_(std::exchange(other.running_, false)) {}

Eal& Eal::operator=(Eal&& other) noexcept {
    std::swap(said_, other.said_);
    std::swap(running_, other.running_);
    return *this;
}

Eal::~Eal() {
    if (running_) rte_eal_cleanup();
}

}  // namespace gabion::dpdk
