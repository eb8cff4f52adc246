// SPDX-License-Identifier: Apache-2.0
// The entry point of the tests that run BPF objects. A run of all of them fails when one of the reasons in bpf/abi/reason.h was never
// produced: a reason that no test can produce is either dead or untested.
#include <gtest/gtest.h>

#include "tests/kernel/homes.h"

namespace {

class EveryReason : public ::testing::Environment {
public:
    void TearDown() override {
        if (::testing::GTEST_FLAG(filter) != "*" || !gabion::test::KernelPipeline::available()) return;
        const auto& produced = gabion::test::reasons_produced();
        for (int reason = GABION_REASON_CLEAN; reason < GABION_REASON_COUNT; reason++) {
            const auto which = static_cast<gabion_reason>(reason);
            EXPECT_NE(produced[reason], 0u) << "no test produced the reason " << gabion::test::reason_name(which);
        }
    }
};

}  // namespace

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    ::testing::AddGlobalTestEnvironment(new EveryReason);
    return RUN_ALL_TESTS();
}
