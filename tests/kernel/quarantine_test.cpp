// SPDX-License-Identifier: Apache-2.0
// Quarantine, the destination cap, and the flows that get past both because the host vouches for them.
#include "bpf/abi/quarantine.h"

#include "bpf/abi/destination.h"
#include "bpf/abi/flow.h"
#include "bpf/lib/flow.h"
#include "tests/kernel/homes.h"

namespace gabion::test {
namespace {

const Ethernet eth{};
constexpr const char* source = "203.0.113.7";

class Quarantine : public Homes {
protected:
    static Packet udp(std::uint16_t sport = 53, std::uint16_t dport = 40000) {
        return eth / IPv4{.source = source} / UDP{.sport = sport, .dport = dport} / Payload{20};
    }
    static Packet tcp(std::uint8_t flags) {
        return eth / IPv4{.source = source} / TCP{.sport = 443, .dport = 40000, .flags = flags};
    }
};

TEST_F(Quarantine, DropsWhatIsAboveTheRate) {
    gabion_quarantine& state = quarantine(source);
    state.interval = 2 << 16;  // a packet every two ticks
    state.burst = 6 << 16;     // and up to four at once
    EXPECT_EQ(passed(udp(), 10), 4);
    EXPECT_EQ(reason(udp()), GABION_REASON_QUARANTINE);
    int through = 0;
    for (int tick = 0; tick < 100; tick++, now_++)
        through += passed(udp(), 5);
    EXPECT_NEAR(through, 50, 2);
    expect_agreement();
}

TEST_F(Quarantine, RateWorksAcrossTheWrapOfTicks) {
    now_ = 0xffffffc0u;
    gabion_quarantine& state = quarantine(source);
    state.interval = 1 << 16;
    state.burst = 0;
    int through = 0;
    for (int tick = 0; tick < 128; tick++, now_++)
        through += passed(udp(), 3);
    EXPECT_EQ(through, 128);
}

TEST_F(Quarantine, LetsOneSynThrough) {
    quarantine(source);
    control().quarantine_syn_ticks = 100;
    EXPECT_EQ(passed(tcp(0x02), 20), 1);
    EXPECT_EQ(passed(tcp(0x12), 20), 0) << "a SYN-ACK is an answer, not a SYN";
    now_ += 99;
    EXPECT_EQ(passed(tcp(0x02), 20), 0);
    now_ += 1;
    EXPECT_EQ(passed(tcp(0x02), 20), 1);
}

TEST_F(Quarantine, LetsTheHostsOwnFlowsThrough) {
    quarantine(source);
    EXPECT_EQ(passed(udp(), 3), 0);
    vouch(udp(), GABION_FLOW_OWN, 5);
    EXPECT_EQ(passed(udp(), 20), 5) << "as many as its grants";
    EXPECT_EQ(passed(udp(54), 5), 0) << "another port is another flow";
    vouch(tcp(0x10), GABION_FLOW_ANSWERED, 0);
    const Packet blind =
        eth / IPv4{.source = source} / TCP{.sport = 443, .dport = 40000, .flags = 0x10, .acknowledgment = 2};
    EXPECT_EQ(passed(blind, 1000), 0) << "an answered SYN is no licence for what does not bear its number";
    EXPECT_EQ(passed(tcp(0x10), 1000), 1000);
    vouch(tcp(0x10), GABION_FLOW_ESTABLISHED, 0);
    EXPECT_EQ(passed(tcp(0x10), 1000), 1000);
    now_ += control().flow_idle_ticks + 1;
    EXPECT_EQ(passed(tcp(0x10), 10), 0) << "the host has not sent for too long";
    expect_agreement();
}

TEST_F(Quarantine, DropsOnlyHopsThatContradict) {
    gabion_quarantine& state = quarantine(source);
    state.flags = GABION_QUARANTINE_HOPS;
    state.ttl_low = 50;
    state.ttl_high = 55;
    for (int ttl = 0; ttl < 256; ttl++) {
        const bool agrees = ttl >= 50 && ttl <= 55;
        EXPECT_EQ(reason(eth / IPv4{.source = source, .ttl = static_cast<std::uint8_t>(ttl)} / UDP{}),
                  agrees ? GABION_REASON_CLEAN : GABION_REASON_HOPS_CONTRADICT);
    }
}

TEST_F(Quarantine, DropsOnlyTheCell) {
    gabion_quarantine& state = quarantine(source);
    state.flags = GABION_QUARANTINE_CELL;
    state.protocol = 17;
    state.destination_port = 40000;
    EXPECT_EQ(reason(udp(53, 40000)), GABION_REASON_QUARANTINE);
    EXPECT_EQ(reason(udp(53, 40001)), GABION_REASON_CLEAN);
    EXPECT_EQ(reason(tcp(0x10)), GABION_REASON_CLEAN);
}

TEST_F(Quarantine, PrefixesSpareKnownSources) {
    quarantine("203.0.113.0/24").flags = GABION_QUARANTINE_SPARE_KNOWN;
    quarantine("2001:db8:bad::/48");
    remember("203.0.113.8");
    EXPECT_EQ(reason(udp()), GABION_REASON_QUARANTINE_PREFIX);
    EXPECT_EQ(reason(eth / IPv4{.source = "203.0.113.8"} / UDP{}), GABION_REASON_CLEAN);
    EXPECT_EQ(reason(eth / IPv6{.source = "2001:db8:bad::8"} / UDP{}), GABION_REASON_QUARANTINE_PREFIX);
    EXPECT_EQ(reason(eth / IPv6{.source = "2001:db8:bae::8"} / UDP{}), GABION_REASON_CLEAN);
}

TEST_F(Quarantine, EndsOnItsTick) {
    quarantine("2001:db8::7", now_ + 10);
    const Packet packet = eth / IPv6{.source = "2001:db8::7"} / UDP{};
    now_ += 9;
    EXPECT_EQ(reason(packet), GABION_REASON_QUARANTINE);
    now_ += 1;
    EXPECT_EQ(reason(packet), GABION_REASON_CLEAN);
}

class Cap : public Quarantine {
protected:
    void SetUp() override {
        Quarantine::SetUp();
        if (IsSkipped()) return;
        for (const char* capped : {"198.51.100.1", "2001:db8:1::1"}) {
            gabion_destination& destination = protect(capped, capped[0] == '1' ? 0 : 1);
            destination.cap_interval = 8 << 16;  // a lot every eight ticks
            destination.cap_burst = 8 << 16;     // and two at once
        }
    }
};

TEST_F(Cap, HoldsTheRateOfADestination) {
    const Packet packet6 = eth / IPv6{} / UDP{};
    EXPECT_EQ(passed(udp(), 100), 2 * GABION_CAP_LOT);
    EXPECT_EQ(passed(packet6, 100), 2 * GABION_CAP_LOT) << "each destination has its own";
    EXPECT_EQ(reason(udp()), GABION_REASON_DESTINATION_CAP);
    int through = 0;
    for (int tick = 0; tick < 80; tick++, now_++)
        through += passed(udp(), 10);
    EXPECT_NEAR(through, 10 * GABION_CAP_LOT, GABION_CAP_LOT);
    EXPECT_EQ(passed(eth / IPv4{.destination = "198.51.100.2"} / UDP{}, 100), 100) << "other destinations have none";
    expect_agreement();
}

TEST_F(Cap, SparesKnownAllowedAndVouchedFor) {
    passed(udp(), 100);
    remember("203.0.113.8");
    allow("203.0.113.9", GABION_SKIP_RATES);
    allow("203.0.113.10", GABION_SKIP_BANS);
    EXPECT_EQ(passed(eth / IPv4{.source = "203.0.113.8"} / UDP{}, 100), 100);
    EXPECT_EQ(passed(eth / IPv4{.source = "203.0.113.9"} / UDP{}, 100), 100);
    EXPECT_EQ(passed(eth / IPv4{.source = "203.0.113.10"} / UDP{}, 100), 0);
    vouch(udp(), GABION_FLOW_OWN, 7);
    EXPECT_EQ(passed(udp(), 100), 7);
}

TEST_F(Cap, EndsOnItsTick) {
    protect("198.51.100.77", 2).cap_interval = 1u << 31;
    host().values<gabion_destination>("destinations")[2].expires = now_ + 5;
    const Packet packet = eth / IPv4{.destination = "198.51.100.77"} / UDP{};
    passed(packet, 2 * GABION_CAP_LOT);
    now_ += 4;
    EXPECT_EQ(reason(packet), GABION_REASON_DESTINATION_CAP);
    now_ += 1;
    EXPECT_EQ(reason(packet), GABION_REASON_CLEAN);
}

}  // namespace
}  // namespace gabion::test
