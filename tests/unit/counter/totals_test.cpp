// SPDX-License-Identifier: Apache-2.0
#include "dataplane/counter/totals.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace gabion::counter {
namespace {

TEST(Reasons, EachHasANameOfItsOwnAndAnActionThatIsCountedSomewhere) {
    std::set<std::string_view> names;
    for (unsigned number = 0; number < GABION_REASON_COUNT; ++number) {
        const auto& reason = reasons()[number];
        EXPECT_TRUE(names.insert(reason.name).second) << reason.name;
        EXPECT_FALSE(reason.help.empty());
        gabion_cpu cpu{};
        cpu.reason[number] = {5, 700};
        const Totals totals = of_cpu(cpu);
        const std::uint64_t counted = totals.passed.packets + totals.dropped.packets + totals.handed_over.packets +
                                      totals.forwarded.packets + totals.answered.packets;
        EXPECT_EQ(counted, reason.action == GABION_ACTION_NONE ? 0u : 5u) << reason.name;
        EXPECT_EQ(totals.reason[number].bytes, 700u);
    }
    EXPECT_EQ(reasons()[GABION_REASON_BREAKER].name, "breaker");
    EXPECT_EQ(reasons()[GABION_REASON_SAMPLED].action, GABION_ACTION_HAND_OVER);
}

TEST(Totals, WhatAPortOfAPairLetsThroughIsForwarded) {
    gabion_cpu cpu{};
    cpu.reason[GABION_REASON_CLEAN] = {5, 700};
    cpu.reason[GABION_REASON_OUTBOUND] = {3, 300};
    cpu.reason[GABION_REASON_PORT_GONE] = {2, 200};
    const Totals totals = of_cpu(cpu, Mode::inline_port);
    EXPECT_EQ(totals.forwarded.packets, 8u);
    EXPECT_EQ(totals.forwarded.bytes, 1000u);
    EXPECT_EQ(totals.passed.packets, 0u);
    EXPECT_EQ(totals.dropped.packets, 2u);
}

TEST(Totals, WhatTheOtherPortFailedToSendWasNotTransmitted) {
    gabion_worker_counters workers{};
    workers.completed = 100;
    workers.tx_failed = 7;
    EXPECT_EQ(transmitted(workers), 93u);
}

gabion_cpu busy_cpu(std::uint64_t scale) {
    gabion_cpu cpu{};
    cpu.received = {100 * scale, 6000 * scale};
    cpu.reason[GABION_REASON_CLEAN] = {50 * scale, 3000 * scale};
    cpu.reason[GABION_REASON_SAMPLED] = {20 * scale, 1200 * scale};
    cpu.reason[GABION_REASON_SUSPICIOUS] = {10 * scale, 600 * scale};
    cpu.reason[GABION_REASON_BAN_OPERATOR] = {15 * scale, 900 * scale};
    cpu.reason[GABION_REASON_BREAKER] = {5 * scale, 300 * scale};
    cpu.handed_back = {25 * scale, 1500 * scale};
    cpu.foreign = {scale, 60 * scale};
    cpu.would_drop[GABION_REASON_QUARANTINE] = {scale, 60 * scale};
    cpu.breaker.met = 9 * scale;
    cpu.breaker.trips = static_cast<__u32>(scale);
    return cpu;
}

TEST(Totals, AreSummedOverCpus) {
    const std::vector<gabion_cpu> cpus{busy_cpu(1), busy_cpu(1000)};
    const Totals totals = sum(cpus);
    EXPECT_EQ(totals.received.packets, 100'100u);
    EXPECT_EQ(totals.received.bytes, 6'006'000u);
    EXPECT_EQ(totals.passed.packets, 50'050u);
    EXPECT_EQ(totals.handed_over.packets, 30'030u);
    EXPECT_EQ(totals.dropped.bytes, 1'201'200u);
    EXPECT_EQ(totals.handed_back.packets, 25'025u);
    EXPECT_EQ(totals.foreign.packets, 1001u);
    EXPECT_EQ(totals.would_drop[GABION_REASON_QUARANTINE].packets, 1001u);
    EXPECT_EQ(totals.breaker_met, 9009u);
    EXPECT_EQ(totals.breaker_trips, 1001u);
}

TEST(Identity, HoldsWhenEveryPacketIsAccountedForAndTellsByHowMuchNot) {
    const std::vector<gabion_cpu> cpus{busy_cpu(1)};
    std::vector<gabion_worker_counters> workers(2);
    workers[0].dropped = 2;
    workers[1].lost = 1;
    const Totals totals = sum(cpus);
    EXPECT_TRUE(identity(totals, sum(workers), 2).holds());
    EXPECT_EQ(identity(totals, sum(workers), 2).off_by(), 0u);
    EXPECT_EQ(identity(totals, sum(workers), 0).handover_off_by, 2);
    EXPECT_EQ(identity(totals, sum(workers), 7).handover_off_by, -5);
    EXPECT_EQ(identity(totals, sum(workers), 7).off_by(), 5u);

    Totals uncounted = totals;
    uncounted.received.packets += 3;
    const Identity broken = identity(uncounted, sum(workers), 2);
    EXPECT_FALSE(broken.holds());
    EXPECT_EQ(broken.stage_off_by, 3);
    EXPECT_EQ(broken.handover_off_by, 0);
}

TEST(InFlight, IsWhatWasClaimedAndNotReleased) {
    std::vector<gabion_queue> queues(3);
    queues[0].claimed = 10;
    queues[0].released = 4;
    queues[1].claimed = 7;
    queues[1].released = 7;
    queues[2].claimed = 3;
    queues[2].released = 4;  // a claim being undone
    EXPECT_EQ(in_flight(queues), 6u);
}

}  // namespace
}  // namespace gabion::counter
