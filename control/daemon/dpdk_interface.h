// SPDX-License-Identifier: Apache-2.0
// An inline pair of ports whose packets this process moves itself: one thread a core polls a queue of both ports, runs the kernel's stages
// (core/host_stages.h) on the pinned maps' own memory, and sends on by the other port. Where Gabion was built without DPDK there is none.
//
// Unlike programs in the kernel it forwards only while the daemon runs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "control/daemon/interface.h"
#include "dataplane/core/result.h"

namespace gabion::daemon {

struct DpdkSettings {
    std::string device;           // of the outside port: a PCI address, or a virtual device as EAL's --vdev takes it
    std::string peer_device;      // of the inside port
    std::vector<unsigned> cores;  // one thread each, which has the queue of its place here
    std::uint32_t memory_mib = 256;
    bool huge_pages = true;
    std::uint32_t idle_us = 0;  // how long a thread sleeps that found nothing for a while; 0: it polls
};

// ENOTSUP where DPDK was not built in.
Result<std::unique_ptr<Interface>> make_dpdk_interface(InterfaceSettings settings, DpdkSettings dpdk,
                                                       Surroundings surroundings);

}  // namespace gabion::daemon
