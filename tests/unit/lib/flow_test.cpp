// SPDX-License-Identifier: Apache-2.0
// What the host's own packets vouch for, and how flows share a bucket.
#include <gtest/gtest.h>

#include "bpf/lib/vouch.h"

namespace gabion::test {
namespace {

constexpr std::uint32_t idle = 100;

gabion_vouch of(gabion_flow_kind kind, std::uint32_t grants = 4) { return gabion_vouch_make(kind, grants, grants); }

gabion_vouch tcp(std::uint8_t flags, gabion_sender sender = {}) {
    gabion_packet packet{};
    packet.ip_version = 4;
    packet.protocol = 6;
    packet.tcp_flags = flags;
    return gabion_vouch_for(&packet, &sender, 32768, 60999, 0);
}

bool grants(gabion_flow_bucket* bucket, std::uint32_t tag, std::uint32_t now) {
    const gabion_packet packet{};
    return gabion_flow_believes(bucket, tag, &packet, now, idle) >= GABION_BELIEF_YES;
}

TEST(Vouch, OnlyTheHostsTcpMakesAFlowEstablished) {
    EXPECT_EQ(tcp(0x02).kind, GABION_FLOW_ASKED);
    EXPECT_EQ(tcp(0x12).kind, GABION_FLOW_ANSWERED);
    EXPECT_EQ(tcp(0x10, {.connected = 1, .established = 1, .open = 1, .forwarded = 0}).kind, GABION_FLOW_ESTABLISHED);
    EXPECT_EQ(tcp(0x14, {.connected = 1, .established = 1, .open = 1, .forwarded = 0}).kind, GABION_FLOW_NONE)
        << "a reset";
    for (unsigned flags = 0; flags < 64; flags++)  // no socket: nothing a stranger provokes is established
        for (const __u32 forwarded : {0u, 1u})
            EXPECT_NE(tcp(static_cast<std::uint8_t>(flags),
                          {.connected = 0, .established = 0, .open = 0, .forwarded = forwarded})
                          .kind,
                      static_cast<__u32>(GABION_FLOW_ESTABLISHED));
    EXPECT_EQ(tcp(0x10).grants, 0u);
    EXPECT_EQ(tcp(0x10).kind, static_cast<__u32>(GABION_FLOW_NONE))
        << "this host's, without a socket: TIME_WAIT, SYN received";
}

TEST(Vouch, UdpFromQueryPortsAndConnectedSockets) {
    gabion_packet packet{};
    packet.ip_version = 6;
    packet.protocol = 17;
    for (unsigned port = 0; port < 65536; port++) {
        packet.source_port = static_cast<__u16>(port);
        const gabion_sender stranger{}, connected{.connected = 1, .established = 0, .open = 0, .forwarded = 0};
        EXPECT_EQ(gabion_vouch_for(&packet, &stranger, 32768, 60999, 0).kind,
                  static_cast<__u32>(port >= 32768 && port <= 60999 ? GABION_FLOW_OWN : GABION_FLOW_NONE));
        EXPECT_EQ(gabion_vouch_for(&packet, &connected, 32768, 60999, 0).kind, static_cast<__u32>(GABION_FLOW_OWN));
    }
}

TEST(Vouch, EchoRequestsOfEachFamily) {
    for (unsigned type = 0; type < 256; type++) {
        gabion_packet four{}, six{};
        four.ip_version = 4;
        four.protocol = 1;
        six.ip_version = 6;
        six.protocol = 58;
        four.icmp_type = six.icmp_type = static_cast<__u8>(type);
        const gabion_sender sender{};
        EXPECT_EQ(gabion_vouch_for(&four, &sender, 1, 2, 0).kind == GABION_FLOW_OWN, type == 8) << type;
        EXPECT_EQ(gabion_vouch_for(&six, &sender, 1, 2, 0).kind == GABION_FLOW_OWN, type == 128) << type;
    }
}

void expect_one_flow(std::uint8_t version) {
    gabion_packet out{}, in{};
    out.ip_version = in.ip_version = version;
    for (unsigned i = 0; i < 4; i++) {
        out.source.word[i] = in.destination.word[i] = 11 * i + 1;
        out.destination.word[i] = in.source.word[i] = 7 * i + 2;
    }
    out.source_port = in.destination_port = 40000;
    out.destination_port = in.source_port = 53;
    out.protocol = in.protocol = 17;
    const gabion_hash_key key = {.add = 3, .multiply = {5, 7, 11, 13}, .finish = 17};
    const gabion_flow_key one = gabion_flow_out(&out, &key), other = gabion_flow_in(&in, &key),
                          mirrored = gabion_flow_in(&out, &key);
    EXPECT_EQ(one.bucket, other.bucket);
    EXPECT_EQ(one.tag, other.tag);
    EXPECT_NE(one.tag, mirrored.tag) << "what comes in with the ends exchanged is another flow";
    out.protocol = 6;
    EXPECT_NE(gabion_flow_out(&out, &key).tag, one.tag);
}

TEST(Flow, BothDirectionsAreOne) {
    expect_one_flow(4);
    expect_one_flow(6);
}

TEST(Flow, GrantsRunOutAndAreRenewed) {
    gabion_flow_bucket bucket{};
    gabion_vouch request = gabion_vouch_make(GABION_FLOW_OWN, 4, 6);
    gabion_flow_note(&bucket, 77, &request, 1000, idle, 1);
    for (int i = 0; i < 4; i++)
        EXPECT_TRUE(grants(&bucket, 77, 1000));
    EXPECT_FALSE(grants(&bucket, 77, 1000));
    gabion_flow_note(&bucket, 77, &request, 1001, idle, 1);
    gabion_flow_note(&bucket, 77, &request, 1001, idle, 1);
    int more = 0;
    while (grants(&bucket, 77, 1001))
        more++;
    EXPECT_EQ(more, 6) << "no more than its most";
    EXPECT_FALSE(grants(&bucket, 78, 1001));
}

TEST(Flow, AFloodOfAnswersWashesNothingOut) {
    gabion_flow_bucket bucket{};
    const gabion_vouch established = of(GABION_FLOW_ESTABLISHED, 0), own = of(GABION_FLOW_OWN),
                       answered = of(GABION_FLOW_ANSWERED);
    gabion_flow_note(&bucket, 1, &established, 1000, idle, 1);
    gabion_flow_note(&bucket, 2, &own, 1000, idle, 1);
    for (std::uint32_t tag = 100; tag < 10'000; tag++)
        gabion_flow_note(&bucket, tag, &answered, 1001, idle, 1);
    EXPECT_TRUE(grants(&bucket, 1, 1001));
    EXPECT_TRUE(grants(&bucket, 2, 1001));
    // four established ones: an answer finds no place, a fifth takes the oldest's
    for (std::uint32_t tag = 11; tag <= 13; tag++)
        gabion_flow_note(&bucket, tag, &established, 1000 + tag, idle, 1);
    gabion_flow_note(&bucket, 500, &answered, 1020, idle, 1);
    EXPECT_FALSE(grants(&bucket, 500, 1020));
    gabion_flow_note(&bucket, 14, &established, 1020, idle, 1);
    EXPECT_FALSE(grants(&bucket, 1, 1020));
    for (std::uint32_t tag = 11; tag <= 14; tag++)
        EXPECT_TRUE(grants(&bucket, tag, 1020)) << tag;
}

TEST(Flow, NeverGetsWeakerWhileAlive) {
    gabion_flow_bucket bucket{};
    const gabion_vouch established = of(GABION_FLOW_ESTABLISHED, 0), complete = of(GABION_FLOW_COMPLETE, 0);
    gabion_flow_note(&bucket, 5, &established, 1000, idle, 1);
    gabion_flow_note(&bucket, 5, &complete, 1001, idle, 1);
    EXPECT_EQ(bucket.flow[0].kind, static_cast<__u32>(GABION_FLOW_ESTABLISHED));
    gabion_flow_note(&bucket, 5, &complete, 1001 + idle + 1, idle,
                     1);  // the address and ports are used anew, long after
    EXPECT_EQ(bucket.flow[0].kind, static_cast<__u32>(GABION_FLOW_COMPLETE));
}

TEST(Flow, ANewHandshakeBeginsItAnew) {
    gabion_flow_bucket bucket{};
    const gabion_vouch established = of(GABION_FLOW_ESTABLISHED, 0), answered = of(GABION_FLOW_ANSWERED);
    gabion_flow_note(&bucket, 5, &established, 1000, idle, 1);
    gabion_flow_note(&bucket, 5, &answered, 1001, idle, 1);
    EXPECT_EQ(bucket.flow[0].kind, static_cast<__u32>(GABION_FLOW_ANSWERED)) << "its TCP holds no connection any more";
}

TEST(Flow, RefreshKeepsWhatIsNoted) {
    gabion_flow_bucket bucket{};
    const gabion_vouch own = of(GABION_FLOW_OWN), nothing = gabion_vouch_make(GABION_FLOW_NONE, 4, 4);
    gabion_flow_refresh(&bucket, 9, &nothing, 1000, idle);
    EXPECT_FALSE(grants(&bucket, 9, 1000)) << "there was nothing to refresh";
    gabion_flow_note(&bucket, 9, &own, 1000, idle, 1);
    gabion_flow_refresh(&bucket, 9, &nothing, 1000 + idle, idle);
    EXPECT_TRUE(grants(&bucket, 9, 1000 + 2 * idle));
}

}  // namespace
}  // namespace gabion::test
