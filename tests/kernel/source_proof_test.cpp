// SPDX-License-Identifier: Apache-2.0
// What a packet proves of its source: the account that it goes on, and whether an offence is told of.
#include <cstring>

#include "tests/kernel/sources.h"

namespace gabion::test {
namespace {

// Whoever forges an address uses up what nothing vouches for; the address's connections go on, and nobody is told of.
TEST_P(Sources, ForgingUsesUpTheOpenAccountAlone) {
    limit(GABION_RATE_PACKETS, 20);
    leaves(segment(ack), GABION_FLOW_ESTABLISHED);
    for (int second = 0; second < 10; second++) {
        passed(datagram(), 100);
        EXPECT_EQ(reason(datagram()), GABION_REASON_SOURCE_RATE);
        EXPECT_EQ(passed_at(segment(ack), 15), 15) << second;
        // the ports are right and the numbers are not: a third account
        passed(segment(ack, taken + far), 100);
        EXPECT_EQ(reason(segment(ack, taken + far)), GABION_REASON_SOURCE_RATE);
        passed(segment(ack, taken, sent + far), 100);
    }
    EXPECT_EQ(passed(segment(ack), 5), 5);
    EXPECT_EQ(told(), 0u);
    expect_agreement();
}

// The first words of a connection, before the host says any.
TEST_P(Sources, AConnectionIsProvenByItsHandshake) {
    limit(GABION_RATE_PACKETS, 10);
    leaves(segment(syn, 1, 0), GABION_FLOW_ANSWERED, sent);
    EXPECT_EQ(passed(segment(ack, 2, sent), 1), 1);
    passed(segment(ack, 2, sent + 1), 100);
    EXPECT_EQ(reason(segment(ack, 2, sent + 1)), GABION_REASON_SOURCE_RATE);
    EXPECT_EQ(passed(segment(ack, 2, sent), 9), 9);
}

TEST_P(Sources, WindowsOfNumbers) {
    limit(GABION_RATE_PACKETS, 10);
    // The proven account is used up, the one for what only has the ports right is not.
    const auto proven = [this](std::uint32_t sequence, std::uint32_t acknowledgment) {
        now_ += 1000 * ticks;
        flood(true);
        leaves(segment(ack), GABION_FLOW_ESTABLISHED);
        passed(segment(ack), 100);
        return reason(segment(ack, sequence, acknowledgment)) == GABION_REASON_SOURCE_RATE;
    };
    EXPECT_TRUE(proven(taken, sent));
    EXPECT_TRUE(proven(taken - (1 << 20), sent)) << "a retransmission";
    EXPECT_FALSE(proven(taken - (1 << 20) - 1, sent));
    EXPECT_TRUE(proven(taken + (16 << 20) - 1, sent)) << "a wide window";
    EXPECT_FALSE(proven(taken + (16 << 20), sent));
    EXPECT_TRUE(proven(taken, sent - (15 << 20)));
    EXPECT_FALSE(proven(taken, sent - (17 << 20)));
    EXPECT_TRUE(proven(taken, sent + (1 << 17))) << "what is under way is acknowledged already";
    EXPECT_FALSE(proven(taken, sent + (1 << 20)));
}

// A note that was made without a packet out knows no numbers, and nothing fits it.
TEST_P(Sources, NothingIsProvenByANoteWithoutNumbers) {
    leaves(segment(ack), GABION_FLOW_ESTABLISHED, 0, 0);
    limit(GABION_RATE_PACKETS, 10);
    for (int second = 0; second < 20; second++)
        passed_at(segment(ack, 5, 5), 100);
    EXPECT_EQ(told(), 0u);
}

TEST_P(Sources, WhoLosesHalfAndGoesOnIsTold) {
    limit(GABION_RATE_PACKETS, 20);
    limit(GABION_RATE_TCP, 20);
    leaves(segment(ack), GABION_FLOW_ESTABLISHED);
    passed_at(segment(ack), 30, 20);
    EXPECT_EQ(told(), 0u) << "a third is lost";
    now_ += 100 * ticks;
    flood(true);
    leaves(segment(ack), GABION_FLOW_ESTABLISHED);
    passed_at(segment(ack), 100, 5);
    (void)host();
    ASSERT_EQ(told(), 1u);
    const gabion_offence one = offence(1);
    EXPECT_EQ(one.number, 1u);
    EXPECT_EQ(one.ip_version, GetParam().v6 ? 6 : 4);
    EXPECT_EQ(one.rates, 1u << GABION_RATE_PACKETS | 1u << GABION_RATE_TCP);
    EXPECT_NEAR(one.seen, 100, 2);
    EXPECT_NEAR(one.dropped, 80, 3);
    EXPECT_EQ(one.ticks, ticks);
    gabion_packet packet{};
    ASSERT_EQ(parse(segment(ack).bytes(), packet), GABION_REASON_NONE);
    EXPECT_EQ(std::memcmp(one.address, packet.source.word, GetParam().v6 ? 16 : 4), 0);
    expect_agreement();
}

TEST_P(Sources, NothingUnprovenIsEverTold) {
    limit(GABION_RATE_PACKETS, 5);
    leaves(segment(ack, taken, sent, 50001), GABION_FLOW_COMPLETE);
    for (int second = 0; second < 20; second++) {
        passed_at(datagram(), 50);
        passed_at(segment(ack), 50);
        passed_at(segment(syn), 50);
        passed_at(segment(ack, taken, sent + 1, 50001), 50);  // the handshake's number is another
    }
    EXPECT_EQ(told(), 0u);
}

TEST_P(Sources, ConnectionsAreCountedByTheirHandshakes) {
    limit(GABION_RATE_CONNECTIONS, 4);
    limit(GABION_RATE_PACKETS, 1000);
    const auto shake = [this](std::uint16_t sport, std::uint32_t acknowledgment) {
        leaves(segment(syn, 1, 0, sport), GABION_FLOW_ANSWERED, sent);
        return passed(segment(ack, 2, acknowledgment, sport), 1);
    };
    std::uint16_t sport = 10000;
    for (int i = 0; i < 12 * 3; i++, now_ += ticks / 3)
        EXPECT_EQ(shake(sport++, sent), 1);
    EXPECT_EQ(told(), 0u) << "three a second";
    for (int i = 0; i < 12 * 20; i++, now_ += ticks / 20)
        EXPECT_EQ(shake(sport++, sent + 1), 1);
    EXPECT_EQ(told(), 0u) << "nothing that bears another number is a handshake";
    for (int i = 0; i < 12 * 20; i++, now_ += ticks / 20)
        EXPECT_EQ(shake(sport++, sent), 1) << "none is dropped";
    EXPECT_GE(told(), 1u);
    EXPECT_EQ(offence(1).rates, 1u << GABION_RATE_CONNECTIONS);
    EXPECT_NEAR(static_cast<double>(cpu().lots.connections), 36 + 240, 10) << "but for those whose note found no place";
    expect_agreement();
}

}  // namespace
}  // namespace gabion::test
