// SPDX-License-Identifier: Apache-2.0
#include "control/host/boot.h"

#include <algorithm>

namespace gabion::host {

std::string cpu_list_text(CpuList cpus) {
    std::sort(cpus.begin(), cpus.end());
    cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
    std::string text;
    for (std::size_t i = 0; i < cpus.size();) {
        std::size_t last = i;
        while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1)
            ++last;
        text += (text.empty() ? "" : ",") + std::to_string(cpus[i]);
        if (last > i) text += "-" + std::to_string(cpus[last]);
        i = last + 1;
    }
    return text;
}

Result<std::string> boot_options(const Facts& facts) {
    const auto& workers = facts.wanted.worker_cpus;
    if (workers.empty()) return Error{"[workers] cpus names no CPUs that could be kept for the workers", EINVAL};
    const bool other_left = std::any_of(facts.cpu.online.begin(), facts.cpu.online.end(), [&](unsigned cpu) {
        return std::find(workers.begin(), workers.end(), cpu) == workers.end();
    });
    if (!other_left)
        return Error{"[workers] cpus names every CPU; one at least must be left for everything else", EINVAL};
    const std::string list = cpu_list_text(workers);
    std::string options = "isolcpus=managed_irq,domain," + list;
    if (facts.cpu.nohz_full) options += " nohz_full=" + list;
    return options + " rcu_nocbs=" + list;
}

std::string boot_file_text(const std::string& options) {
    return "# Made by `gabion tune --boot`, taken away by `gabion tune --undo`. Read by update-grub.\n"
           "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT " +
           options + "\"\n";
}

}  // namespace gabion::host
