// SPDX-License-Identifier: Apache-2.0
// An lcore between two ports made of rings in memory: what is put into one comes out of the other, or is counted.
#include "dataplane/dpdk/lcore.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "bpf/abi/flow.h"
#include "dataplane/ban/address_set.h"
#include "dataplane/ban/named_memory.h"
#include "tests/support/lcore_bed.h"

namespace gabion::dpdk {
namespace {

using test::Bytes;
using test::Cables;
using test::ring_packets;

class LcoreTest : public ::testing::Test {
protected:
    void SetUp() override {
        bed_.settings().checks = 0;
        tables_.control().flow_idle_ticks = 10'000;
        tables_.control().sampling = {.one_in = 0, .budget = 100, .period_ticks = 25, .reserved = 0};
        tables_.cpu().sampler.random = 1;
    }
    void TearDown() override {
        const auto identity = bed_.identity();
        EXPECT_TRUE(identity.holds()) << identity.stage_off_by << ' ' << identity.handover_off_by;
    }

    bool round() { return bed_.round(1'000'000); }
    void put_outside(const Bytes& frame) { bed_.cables.put(bed_.cables.outside, frame); }
    void put_inside(const Bytes& frame) { bed_.cables.put(bed_.cables.inside, frame); }
    std::optional<Bytes> from_inside() { return Cables::take(bed_.cables.inside); }
    std::optional<Bytes> from_outside() { return Cables::take(bed_.cables.outside); }

    static Bytes datagram(const std::string& source, std::size_t bytes = 100) {
        return (test::Ethernet{} / test::IPv4{.source = source} / test::UDP{.dport = 9000} / test::Payload{bytes})
            .bytes();
    }

    test::LcoreBed bed_;
    HostPipeline& tables_ = bed_.tables;
};

TEST_F(LcoreTest, ForwardsWhatIsCleanAsItCame) {
    EXPECT_FALSE(round());
    const Bytes one = datagram("31.0.0.1"), other = datagram("31.0.0.2", 1000);
    put_outside(one);
    put_outside(other);
    EXPECT_TRUE(round());
    EXPECT_EQ(from_inside(), one);
    EXPECT_EQ(from_inside(), other);
    EXPECT_FALSE(from_inside());
    EXPECT_EQ(tables_.cpu().received.packets, 2u);
    EXPECT_EQ(tables_.cpu().reason[GABION_REASON_CLEAN].packets, 2u);
}

TEST_F(LcoreTest, DropsWhatIsBanned) {
    ban::AddressSet bans(ban::set_memory(tables_, GABION_SET_OPERATOR), tables_.control().hash, {}, [] {});
    bans.add(*Prefix::parse("91.0.0.1"), GABION_FOREVER);
    put_outside(datagram("91.0.0.1"));
    put_outside(datagram("91.0.0.2"));
    round();
    EXPECT_EQ(from_inside(), datagram("91.0.0.2"));
    EXPECT_FALSE(from_inside());
    EXPECT_EQ(tables_.cpu().reason[GABION_REASON_BAN_OPERATOR].packets, 1u);
}

TEST_F(LcoreTest, ShowsSamplesToTheDetectorsAndForwardsThem) {
    tables_.control().sampling.one_in = 1;
    put_outside(datagram("31.0.0.1"));
    put_outside(datagram("31.0.0.2"));
    round();
    EXPECT_EQ(from_inside(), datagram("31.0.0.1"));
    EXPECT_EQ(from_inside(), datagram("31.0.0.2"));
    EXPECT_EQ(bed_.counters.received, 2u);
    EXPECT_EQ(bed_.counters.completed, 2u);
    EXPECT_FALSE(bed_.observer.idle());
}

TEST_F(LcoreTest, CountsWhatThePortHasNoRoomFor) {
    for (const std::uint32_t one_in : {0u, 1u}) {
        tables_.control().sampling.one_in = one_in;
        for (unsigned i = 0; i < 2 * ring_packets; ++i) {
            put_outside(datagram("31.0.0.1"));
            if (i % burst_packets == burst_packets - 1) round();
        }
        unsigned arrived = 0;
        while (from_inside())
            ++arrived;
        const unsigned failed = 2 * ring_packets - arrived;
        EXPECT_GE(failed, ring_packets);
        if (one_in == 0)
            EXPECT_EQ(bed_.ports[GABION_SIDE_INSIDE].full + bed_.ports[GABION_SIDE_INSIDE].down, failed);
        else
            EXPECT_EQ(bed_.counters.lost, failed);
    }
}

TEST_F(LcoreTest, CountsWhatIsTooLongForTheOtherPort) {
    put_outside(datagram("31.0.0.1", 1500));
    round();
    EXPECT_FALSE(from_inside());
    EXPECT_EQ(bed_.ports[GABION_SIDE_INSIDE].too_long, 1u);
}

TEST_F(LcoreTest, NotesWhatComesFromInside) {
    const Bytes question = (test::Ethernet{} / test::IPv4{.source = "20.0.0.1", .destination = "31.0.0.1"} /
                            test::UDP{.sport = 50000, .dport = 53} / test::Payload{30})
                               .bytes();
    put_inside(question);
    round();
    EXPECT_EQ(from_outside(), question);
    EXPECT_EQ(bed_.inside_cpu.reason[GABION_REASON_OUTBOUND].packets, 1u);
    EXPECT_EQ(bed_.inside_cpu.received.packets, 1u);
    unsigned noted = 0;
    for (const gabion_flow_bucket& bucket : tables_.values<gabion_flow_bucket>("flows"))
        for (const gabion_flow& flow : bucket.flow)
            noted += flow.kind == GABION_FLOW_OWN;
    EXPECT_EQ(noted, 1u);
}

}  // namespace
}  // namespace gabion::dpdk
