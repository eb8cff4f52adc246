// SPDX-License-Identifier: Apache-2.0
// What stands in the place of backends.cpp in a program that is built without DPDK.
#include "tests/kernel/backends.h"

namespace gabion::test {

std::unique_ptr<Backends> Backends::make(HostPipeline&) { return nullptr; }

}  // namespace gabion::test
