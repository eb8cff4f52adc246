// SPDX-License-Identifier: Apache-2.0
// What keeps the workers' CPUs free of other work can only be told to the kernel when it boots. Gabion writes a file of its own that
// Debian's grub-mkconfig reads, when it is asked to, and nothing else: the boot loader is run, and the host booted, by the operator. Recovery mode boots without.
#pragma once

#include <string>

#include "control/host/facts.h"
#include "dataplane/core/result.h"

namespace gabion::host {

inline constexpr const char* boot_file = "/etc/default/grub.d/gabion.cfg";

// "2-3,8"
std::string cpu_list_text(CpuList cpus);

// "isolcpus=managed_irq,domain,2-3 nohz_full=2-3 rcu_nocbs=2-3" for the configured workers' CPUs, without what this kernel does not
// have. An error where there is nothing to isolate: none are configured, or no other CPU would be left.
Result<std::string> boot_options(const Facts& facts);

// The file's text for these options.
std::string boot_file_text(const std::string& options);

}  // namespace gabion::host
