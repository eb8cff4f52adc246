// SPDX-License-Identifier: Apache-2.0
// Counts what an inline pair forwarded and a port could not send (bpf/ports.bpf.c). The program hangs at tracepoints by pinned links, so that
// it counts on without a daemon; a later daemon finds it there and leaves it alone.
#pragma once

#include "dataplane/core/result.h"
#include "dataplane/map/map_group.h"
#include "dataplane/map/pin_directory.h"

namespace gabion::map {

// `own`: the pair's maps, with the ports' numbers already in `port_counts`.
Result<void> watch_ports(const PinDirectory& pins, const MapGroup& own);

}  // namespace gabion::map
