// SPDX-License-Identifier: Apache-2.0
// What was counted, as the socket's documents tell it.
#pragma once

#include <optional>

#include "bpf/abi/port.h"
#include "control/daemon/methods.h"
#include "dataplane/counter/totals.h"
#include "dataplane/xsk/socket.h"

namespace gabion::daemon {

// What one interface, or all together, counted.
struct Reading {
    counter::Totals totals;
    gabion_worker_counters workers{};
    std::uint64_t in_flight = 0;
    xsk::Statistics sockets;
    gabion_port port{};  // inline: what was forwarded towards this port and could not leave
    std::optional<counter::DriverDiscards> driver{};

    Reading& operator+=(const Reading& other) noexcept;
};

Counters counters_of(const Reading& reading);
CpuCounters cpu_counters(unsigned cpu, const counter::Totals& totals);

}  // namespace gabion::daemon
