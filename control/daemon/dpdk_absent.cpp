// SPDX-License-Identifier: Apache-2.0
// What stands in the place of dpdk_interface.cpp in programs that are built without DPDK.
#include "control/daemon/dpdk_interface.h"

namespace gabion::daemon {

Result<std::unique_ptr<Interface>> make_dpdk_interface(InterfaceSettings settings, DpdkSettings, Surroundings) {
    return Error{settings.name +
                     ": backend = \"dpdk\", and this gabiond was built without DPDK; install libdpdk-dev "
                     "(22.11 or later) and build it again with -Ddpdk=enabled",
                 ENOTSUP};
}

}  // namespace gabion::daemon
