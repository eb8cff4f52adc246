// SPDX-License-Identifier: Apache-2.0
// The programs of both ports of an inline pair as tests run them, on the same tables and at a time that the test says.
#pragma once

#include <cstdint>

#include "bpf/abi/cpu.h"
#include "bpf/abi/settings.h"
#include "tests/kernel/kernel_pipeline.h"
#include "tests/kernel/object.h"
#include "tests/support/packet.h"

namespace gabion::test {

class KernelPair {
public:
    // Throws std::runtime_error. The settings of `like` are those of inline mode.
    KernelPair(HostPipeline& like, const gabion_egress_settings& inside);

    HostPipeline::Verdict from_outside(const Bytes& frame, std::uint32_t now) { return outside.run(frame, 0, now); }
    // Whether it is forwarded.
    bool from_inside(const Bytes& frame, std::uint32_t now);
    [[nodiscard]] gabion_cpu& inside_cpu() { return inside_cpu_.as<gabion_cpu>()[0]; }

    KernelPipeline outside;

private:
    Object object_ = open_object("inside_test");
    int program_ = -1;
    Mapping run_;
    Mapping inside_cpu_;
};

}  // namespace gabion::test
