// SPDX-License-Identifier: Apache-2.0
// An inline pair on both backends: the programs of its two ports under TEST_RUN, and a DPDK thread between ports made of rings, on tables of the
// same content. Every frame goes through both, which must agree on it in all that they count and keep; the frame must come out of the
// other ring if, and only if, the programs would send it, and as it went in.
#pragma once

#include <functional>
#include <memory>

#include "bpf/abi/control.h"
#include "bpf/abi/cpu.h"
#include "bpf/abi/port.h"
#include "dataplane/core/host_pipeline.h"
#include "tests/support/packet.h"

namespace gabion::test {

class Backends {
public:
    // With the settings of that pipeline, which has tables of a default HostPipeline's sizes, in inline mode. Null where this program was built
    // without DPDK.
    static std::unique_ptr<Backends> make(HostPipeline& like);
    virtual ~Backends() = default;

    // Makes every table of both the same as the host's.
    virtual void copy_from(HostPipeline& host) = 0;
    virtual void change_control(const std::function<void(gabion_control&)>& change) = 0;

    // A frame that comes in by that port at that tick; whether it goes on by the other one. What both disagree on fails the test.
    virtual bool run(gabion_side from, const Bytes& frame, std::uint32_t now) = 0;
    // All tables are compared; what a packet counts, and does in its ring, was compared with each.
    virtual void expect_agreement() = 0;

    // What both have counted of the packets that came in there.
    [[nodiscard]] virtual const gabion_cpu& counted(gabion_side side) const = 0;
};

}  // namespace gabion::test
