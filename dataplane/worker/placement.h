// SPDX-License-Identifier: Apache-2.0
// Which CPU a worker runs on.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/core/result.h"

namespace gabion::worker {

// "0-3,8" as the kernel writes CPU lists; what cannot be read is left out.
std::vector<unsigned> parse_cpu_list(std::string_view text);

// CPUs kept free of other work (isolcpus), and CPUs that this process may use.
std::vector<unsigned> isolated_cpus();
std::vector<unsigned> usable_cpus();

// One CPU for each of `workers`, in queue order: as configured, else spread over what is isolated, else over all that are usable. Goes round
// when there are fewer CPUs than workers.
std::vector<unsigned> place(std::size_t workers, const std::vector<unsigned>& configured,
                            const std::vector<unsigned>& isolated, const std::vector<unsigned>& usable);

// On which CPUs a worker goes on looking for packets for a while before it sleeps. It takes what its CPU has to spare meanwhile, and is
// woken the less often, which the CPU that receives would pay for.
enum class BusyWait : std::uint8_t { never, isolated, always };

bool waits_busily(BusyWait wanted, unsigned cpu, const std::vector<unsigned>& isolated);

Result<void> pin_this_thread(unsigned cpu);

}  // namespace gabion::worker
