// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/takeover.h"

#include <vector>

#include <gtest/gtest.h>

#include "bpf/abi/reason.h"

namespace gabion::worker {
namespace {

struct Interface {
    std::vector<gabion_cpu> cpus = std::vector<gabion_cpu>(2);
    std::vector<gabion_queue> queues = std::vector<gabion_queue>(2);
    std::vector<gabion_worker_counters> workers = std::vector<gabion_worker_counters>(2);
    [[nodiscard]] SharedState state() { return {cpus, queues, workers}; }
};

TEST(TakeOver, CountsWhatNeverCameBackOnceAndGivesCreditBack) {
    Interface all;
    all.cpus[0].reason[GABION_REASON_SAMPLED].packets = 1000;
    all.cpus[1].reason[GABION_REASON_SUSPICIOUS].packets = 500;
    all.cpus[1].reason[GABION_REASON_CLEAN].packets = 77;
    all.cpus[0].handed_back.packets = 1300;
    all.workers[1].dropped = 20;
    all.workers[0].lost = 30;  // of an earlier kill
    all.queues[0] = {.claimed = 900,
                     .seen_released = 0,
                     .seen_at = 0,
                     .seen_epoch = 3,
                     .program_reserved = {},
                     .released = 850,
                     .epoch = 3,
                     .limit = 256,
                     .frame_bytes_max = 1522,
                     .worker_reserved0 = 0,
                     .worker_reserved = {}};
    EXPECT_EQ(take_over(all.state()), 150u);
    EXPECT_EQ(all.workers[0].lost, 180u);
    EXPECT_EQ(all.queues[0].limit, 0u);
    EXPECT_EQ(all.queues[0].released, 900u);
    EXPECT_EQ(take_over(all.state()), 0u);
    EXPECT_EQ(all.workers[0].lost, 180u);
}

TEST(TakeOver, NothingMissingIsNothingLost) {
    Interface all;
    all.cpus[0].reason[GABION_REASON_SAMPLED].packets = 10;
    all.cpus[1].handed_back.packets = 11;  // a count that cannot be is no reason to wrap around
    EXPECT_EQ(take_over(all.state()), 0u);
    EXPECT_EQ(all.workers[0].lost, 0u);
}

TEST(TakeOver, InlineWhatWasSentCountsAsBack) {
    Interface all;
    all.cpus[0].reason[GABION_REASON_SAMPLED].packets = 100;
    all.workers[0].completed = 60;
    all.workers[1].completed = 20;
    all.workers[1].tx_failed = 5;  // which is lost already
    all.workers[1].lost = 5;
    SharedState state = all.state();
    state.mode = counter::Mode::inline_port;
    EXPECT_EQ(take_over(state), 20u);
    EXPECT_EQ(missing(state), 0u);
}

}  // namespace
}  // namespace gabion::worker
