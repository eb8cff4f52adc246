// SPDX-License-Identifier: Apache-2.0
// The packets whose cost perf/stage_cost measures, and the tables that make them leave for the reason that they should.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bpf/abi/reason.h"
#include "dataplane/core/host_pipeline.h"
#include "perf/anew.h"
#include "tests/kernel/kernel_pipeline.h"
#include "tests/support/packet.h"

namespace gabion::perf {

enum class Times {
    calm,
    flood,    // of every class, with caps
    crowded,  // and no new source is let in, and port 80 gets more SYNs than it should
};

struct Case {
    std::string name;
    test::Bytes frame;
    Times times = Times::calm;
    gabion_reason reason = GABION_REASON_CLEAN;  // under which it leaves the whole program
    bool anew = false;                           // made anew each time
    std::uint32_t source = 0;                    // with another source each time: where its last four bytes stand
};

std::vector<Case> stage_cases();

// The program without the stages of `without` (GABION_FEATURE_*), and its tables.
class Variant {
public:
    Variant(std::uint32_t without, Times times, const std::vector<Case>& all, std::uint32_t now);

    // ns a packet, under TEST_RUN.
    [[nodiscard]] double cost(const Case& one, const Anew& anew) const;
    // Throws when the packet leaves for another reason than it should. Of many packets, so that neither first lots nor samples count.
    void expect(const Case& one, const Anew& anew) const;

private:
    void begin_flood(const std::vector<Case>& all, std::uint32_t now);
    void crowd();

    HostPipeline host_;
    std::unique_ptr<test::KernelPipeline> kernel_;
};

}  // namespace gabion::perf
