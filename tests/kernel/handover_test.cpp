// SPDX-License-Identifier: Apache-2.0
// The sampler and the hand-over's credit.
#include "bpf/abi/destination.h"
#include "tests/kernel/homes.h"

namespace gabion::test {
namespace {

const Ethernet eth{};

class Handover : public Homes {
protected:
    void everything() { control().sampling = {.one_in = 1, .budget = 1, .period_ticks = 25, .reserved = 0}; }
    gabion_queue& queue() { return kernel_->values<gabion_queue>("queues")[0]; }
    // The worker takes all that is outstanding.
    void release() { release(host().values<gabion_queue>("queues")[0].claimed); }
    void release(std::uint64_t up_to) { host().values<gabion_queue>("queues")[0].released = up_to; }
    const Packet plain_ = eth / IPv4{} / UDP{};
};

TEST_F(Handover, OneInOneTakesEverythingThatMayGo) {
    everything();
    employ();
    const HostPipeline::Verdict verdict = run(plain_.bytes());
    EXPECT_EQ(verdict.reason, GABION_REASON_SAMPLED);
    EXPECT_EQ(verdict.action, GABION_ACTION_HAND_OVER);
    EXPECT_EQ(verdict.one_in, 1u);
    EXPECT_EQ(queue().claimed, 1u);
    expect_agreement();
}

TEST_F(Handover, SomeKindsNeverGo) {
    everything();
    employ();
    for (const int port : {67, 68, 319, 320, 546, 547, 520, 3784, 4789, 6081, 8472})
        EXPECT_EQ(reason(eth / IPv4{} / UDP{.dport = static_cast<std::uint16_t>(port)}),
                  GABION_REASON_HANDOVER_EXCLUDED)
            << port;
    for (const int protocol : {2, 4, 41, 47, 88, 89, 103, 112, 132})
        EXPECT_EQ(reason(eth / IPv4{.protocol = static_cast<std::uint8_t>(protocol)} / Payload{40}),
                  GABION_REASON_HANDOVER_EXCLUDED)
            << protocol;
    EXPECT_EQ(reason(eth / IPv6{} / TCP{.dport = 179}), GABION_REASON_HANDOVER_EXCLUDED);
    EXPECT_EQ(reason(eth / IPv6{} / TCP{.sport = 179}), GABION_REASON_HANDOVER_EXCLUDED);
    EXPECT_EQ(queue().claimed, 0u);
}

TEST_F(Handover, OnlyWhatFitsAFrame) {
    everything();
    employ(256, 100);
    EXPECT_EQ(reason(plain_ / Payload{58}), GABION_REASON_SAMPLED);
    EXPECT_EQ(reason(plain_ / Payload{59}), GABION_REASON_HANDOVER_TOO_LONG);
}

TEST_F(Handover, OnlyToAWorker) {
    everything();
    EXPECT_EQ(reason(plain_), GABION_REASON_HANDOVER_NO_WORKER);
    employ();
    EXPECT_EQ(run(plain_.bytes(), 7).reason, GABION_REASON_HANDOVER_NO_WORKER) << "a queue that there is none of";
}

TEST_F(Handover, NeverMoreThanTheCredit) {
    everything();
    employ(10);
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(reason(plain_), GABION_REASON_SAMPLED);
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(reason(plain_), GABION_REASON_HANDOVER_NO_CREDIT);
    EXPECT_EQ(queue().claimed, 10u) << "what was over the limit is undone";
    release(3);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(reason(plain_), GABION_REASON_SAMPLED);
    EXPECT_EQ(reason(plain_), GABION_REASON_HANDOVER_NO_CREDIT);
    expect_agreement();
}

TEST_F(Handover, AWorkerThatDoesNotMoveIsLate) {
    everything();
    employ();
    const std::uint32_t late = host().settings().late_ticks;
    EXPECT_EQ(reason(plain_), GABION_REASON_SAMPLED);
    now_ += late;
    EXPECT_EQ(reason(plain_), GABION_REASON_SAMPLED);
    now_ += 1;
    EXPECT_EQ(reason(plain_), GABION_REASON_HANDOVER_LATE);
    now_ += 100;
    EXPECT_EQ(reason(plain_), GABION_REASON_HANDOVER_LATE);
    release(1);  // it moves, though not all is done
    EXPECT_EQ(reason(plain_), GABION_REASON_SAMPLED);
    now_ += late + 1;
    EXPECT_EQ(reason(plain_), GABION_REASON_HANDOVER_LATE);
}

TEST_F(Handover, AnIdleWorkerIsNeverLate) {
    everything();
    employ();
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(reason(plain_), GABION_REASON_SAMPLED) << "after a sleep of " << 1000 * i << " ticks";
        release();
        now_ += 1000;
    }
}

TEST_F(Handover, ANewWorkerStartsAfresh) {
    everything();
    employ();
    EXPECT_EQ(reason(plain_), GABION_REASON_SAMPLED);
    now_ += 1000;
    EXPECT_EQ(reason(plain_), GABION_REASON_HANDOVER_LATE);
    release();
    host().values<gabion_queue>("queues")[0].epoch++;
    EXPECT_EQ(reason(plain_), GABION_REASON_SAMPLED);
    expect_agreement();
}

TEST_F(Handover, SuspiciousPacketsAlwaysGo) {
    employ();
    control().sampling.one_in = 0;
    put(GABION_SET_WATCH, "203.0.113.7");
    put(GABION_SET_WATCH, "2001:db8:9::/48", now_ + 1);
    EXPECT_EQ(reason(plain_), GABION_REASON_CLEAN);
    EXPECT_EQ(reason(eth / IPv4{.source = "203.0.113.7"} / UDP{}), GABION_REASON_SUSPICIOUS);
    EXPECT_EQ(reason(eth / IPv6{.source = "2001:db8:9::1"} / UDP{}), GABION_REASON_SUSPICIOUS);
    EXPECT_EQ(reason(eth / IPv4{} / UDP{.length = 8} / Payload{40}), GABION_REASON_SUSPICIOUS)
        << "more than UDP tells of";
    EXPECT_EQ(reason(eth / IPv6{} / Extension{.kind = 43} / UDP{}), GABION_REASON_SUSPICIOUS) << "a routing header";
    now_ += 1;
    EXPECT_EQ(reason(eth / IPv6{.source = "2001:db8:9::1"} / UDP{}), GABION_REASON_CLEAN);
}

class Sampler : public Handover {
protected:
    // Runs `periods` of 25 ticks with `packets` a tick; the worker keeps up. Returns how many were handed over in the last one.
    std::uint32_t traffic(int periods, int packets) {
        const Bytes frame = plain_.bytes();
        std::uint32_t taken = 0;
        stands_for_ = 0;
        for (int tick = 0; tick < periods * 25; tick++, now_++) {
            if (tick % 25 == 0) taken = stands_for_ = 0;
            for (int i = 0; i < packets; i++) {
                const HostPipeline::Verdict verdict = run(frame);
                if (verdict.action != GABION_ACTION_HAND_OVER) continue;
                taken++;
                stands_for_ += verdict.one_in;
            }
            release();
        }
        return taken;
    }
    std::uint32_t stands_for_ = 0;
};

TEST_F(Sampler, KeepsToItsBudget) {
    control().sampling = {.one_in = 64, .budget = 200, .period_ticks = 25, .reserved = 0};
    employ(10'000);
    EXPECT_EQ(traffic(3, 4), 100u) << "below the budget everything is taken";
    const std::uint32_t taken = traffic(8, 200);  // 5,000 a period, 25 times the budget
    EXPECT_NEAR(taken, 200, 60);
    EXPECT_NEAR(stands_for_, 5000, 1500) << "what the samples stand for is what there was";
    traffic(3, 2000);
    EXPECT_EQ(kernel_->values<gabion_cpu>("cpus")[0].sampler.one_in, 64u) << "never thinner than that";
    expect_agreement();
}

TEST_F(Sampler, ThinsAtOnceAndThickensSlowly) {
    control().sampling = {.one_in = 1024, .budget = 100, .period_ticks = 25, .reserved = 0};
    employ(1'000'000);
    const auto ratio = [&] { return kernel_->values<gabion_cpu>("cpus")[0].sampler.one_in; };
    traffic(1, 400);  // 10,000 in the first period, 100 times the budget
    EXPECT_GE(ratio(), 50u) << "within the period";
    traffic(2, 400);
    const std::uint32_t before = ratio();
    EXPECT_NEAR(before, 100, 5);
    traffic(2, 0);
    traffic(1, 1);  // the rest of two periods, then calm
    EXPECT_GE(ratio(), before / 16);
    EXPECT_LT(ratio(), before);
    traffic(10, 1);
    EXPECT_EQ(ratio(), 1u);
}

TEST_F(Sampler, ARaisedPostureSeesMore) {
    control().sampling = {.one_in = 0, .budget = 100, .period_ticks = 25, .reserved = 0};
    employ(1'000'000);
    protect("198.51.100.1").one_in = 4;
    const std::uint32_t taken = traffic(1, 400);
    EXPECT_NEAR(taken, 2500, 200);
    EXPECT_EQ(stands_for_, taken * 4);
}

}  // namespace
}  // namespace gabion::test
