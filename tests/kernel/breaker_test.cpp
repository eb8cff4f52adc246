// SPDX-License-Identifier: Apache-2.0
// The panic breaker: what it drops, at which ratio, whom it spares, and what costs it nothing.
#include "tests/kernel/homes.h"

namespace gabion::test {
namespace {

const Ethernet eth{};

class Breaker : public Homes {
protected:
    // `packets` a tick, a bucket of `depth` packets
    void arm(gabion_panic_mode mode, std::uint64_t packets, std::uint64_t depth, double ratio = 0.8) {
        control().panic = {.trips_below = gabion_trips_below(mode, packets << 16),
                           .rate = packets << 16,
                           .depth = depth << 16,
                           .drop_threshold = static_cast<std::uint32_t>(ratio * 4294967296.0),
                           .reserved = 0};
    }
    const gabion_breaker& state() { return kernel_->values<gabion_cpu>("cpus")[0].breaker; }
    std::uint64_t dropped() { return kernel_->values<gabion_cpu>("cpus")[0].reason[GABION_REASON_BREAKER].packets; }
};

TEST_F(Breaker, OffNeverTrips) {
    arm(GABION_PANIC_OFF, 1, 1);
    for (int i = 0; i < 1000; i++)
        EXPECT_EQ(reason(eth / IPv4{} / UDP{}), GABION_REASON_CLEAN);
    EXPECT_EQ(state().trips, 0u);
}

TEST_F(Breaker, AutoWithoutARateNeverTrips) {
    arm(GABION_PANIC_AUTO, 0, 0);
    for (int i = 0; i < 1000; i++)
        EXPECT_EQ(reason(eth / IPv4{} / UDP{}), GABION_REASON_CLEAN);
}

TEST_F(Breaker, BelowTheRateNothingIsDropped) {
    arm(GABION_PANIC_AUTO, 10, 100);
    for (int tick = 0; tick < 500; tick++, now_++)
        for (int i = 0; i < 10; i++)
            EXPECT_EQ(reason(eth / IPv4{} / UDP{}), GABION_REASON_CLEAN);
    EXPECT_EQ(state().trips, 0u);
}

TEST_F(Breaker, DropsAtTheConfiguredRatio) {
    for (const double ratio : {0.2, 0.8, 0.95}) {
        arm(GABION_PANIC_AUTO, 1, 10, ratio);
        cpu() = {};
        cpu().sampler.random = 0x2545f491;
        const std::uint64_t wanted = rounds(50'000, 1'000'000);
        const Bytes frame = (eth / IPv4{} / UDP{}).bytes();
        for (std::uint64_t sent = 0; sent < wanted + 10; sent++) {
            run(frame);
            if (sent % 1000 == 999) now_++;
        }
        EXPECT_GT(state().met, wanted * 9 / 10);
        EXPECT_NEAR(static_cast<double>(dropped()) / static_cast<double>(state().met), ratio, 0.01);
        EXPECT_EQ(state().trips, 1u) << "one flood is one trip";
    }
}

// A bucket that was reset each second would let a second's worth through at each edge.
TEST_F(Breaker, LetsNoBurstThroughAtAnySecond) {
    arm(GABION_PANIC_AUTO, 4, 40, 1.0);
    const Bytes frame = (eth / IPv4{} / UDP{}).bytes();
    for (int tick = 0; tick < 1000; tick++, now_++) {
        int passed = 0;
        for (int i = 0; i < 20; i++)
            passed += run(frame).action == GABION_ACTION_PASS;
        if (tick >= 3) {  // the full bucket it began with is used up
            EXPECT_LE(passed, 4) << tick;
            EXPECT_GE(passed, 4) << tick;
        }
    }
}

TEST_F(Breaker, OnIsTrippedAlways) {
    arm(GABION_PANIC_ON, 1'000'000, 1'000'000, 1.0);
    control().panic.drop_threshold = ~0u;
    EXPECT_EQ(reason(eth / IPv4{} / UDP{}), GABION_REASON_BREAKER);
    EXPECT_EQ(state().tripped, 1u);
}

TEST_F(Breaker, SparesWhomItShould) {
    arm(GABION_PANIC_ON, 1, 1);
    control().panic.drop_threshold = ~0u;
    allow("203.0.113.1", 0);
    allow("198.18.0.0/15", GABION_SKIP_BANS);
    allow("2001:db8:9::/48", 0);
    remember("203.0.113.2");
    remember("2001:db8::2");
    for (int i = 0; i < 200; i++) {
        for (const char* spared : {"203.0.113.1", "198.18.7.7", "203.0.113.2"})
            EXPECT_EQ(reason(eth / IPv4{.source = spared} / UDP{}), GABION_REASON_CLEAN) << spared;
        for (const char* spared : {"2001:db8:9::1", "2001:db8::2"})
            EXPECT_EQ(reason(eth / IPv6{.source = spared} / UDP{}), GABION_REASON_CLEAN) << spared;
    }
    EXPECT_EQ(state().met, 0u);
    EXPECT_EQ(reason(eth / IPv4{.source = "203.0.113.9"} / UDP{}), GABION_REASON_BREAKER);
    EXPECT_EQ(reason(eth / IPv6{.source = "2001:db8::9"} / UDP{}), GABION_REASON_BREAKER);
    expect_agreement();
}

TEST_F(Breaker, AFloodThatBansCanHandleDoesNotTripIt) {
    arm(GABION_PANIC_AUTO, 1, 20);
    put(GABION_SET_OPERATOR, "203.0.113.7");
    for (int i = 0; i < 5000; i++)
        EXPECT_EQ(reason(eth / IPv4{.source = "203.0.113.7"} / UDP{}), GABION_REASON_BAN_OPERATOR);
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(reason(eth / IPv4{} / UDP{}), GABION_REASON_CLEAN);
    EXPECT_EQ(state().trips, 0u);
    EXPECT_EQ(reason((Ethernet{.type = 0x0806} / Payload{28}).padded()), GABION_REASON_NOT_IP);
}

TEST_F(Breaker, CountsAnotherTripAfterAQuietSecond) {
    arm(GABION_PANIC_AUTO, 1, 2);
    const Bytes frame = (eth / IPv4{} / UDP{}).bytes();
    for (int flood = 1; flood <= 3; flood++, now_ += host().settings().hz + 2) {
        for (int i = 0; i < 50; i++)
            run(frame);
        EXPECT_EQ(state().trips, static_cast<std::uint32_t>(flood));
    }
}

}  // namespace
}  // namespace gabion::test
