// SPDX-License-Identifier: Apache-2.0
// Segments of no connection while a TCP flood is on: dropped, unless a note or, in its place, the host's own TCP knows better.
#include "bpf/abi/connection.h"

#include "bpf/abi/flow.h"
#include "bpf/lib/flood.h"
#include "bpf/lib/proven.h"
#include "bpf/lib/vouch.h"
#include "tests/kernel/homes.h"

namespace gabion::test {
namespace {

constexpr std::uint8_t fin = 1, syn = 2, rst = 4, ack = 16;
constexpr std::uint32_t number = 0x81234567;    // that completes the handshake
constexpr std::uint32_t answered = 0x00c0ffee;  // what the host's SYN-ACK acknowledged

struct Way {
    const char* name;
    bool v6;
    bool tagged;
};

class Connection : public Homes, public ::testing::WithParamInterface<Way> {
protected:
    void SetUp() override {
        Homes::SetUp();
        if (!IsSkipped()) gabion_flood_raise(&control(), GABION_FLOOD_TCP, now_, 1'000'000);
    }

    Packet segment(std::uint8_t flags, std::uint32_t acknowledgment = 1, std::uint32_t sequence = 1,
                   std::uint16_t sport = 50000) const {
        Packet packet{Ethernet{}};
        if (GetParam().tagged) packet = packet / Vlan{.id = 7};
        packet = GetParam().v6 ? packet / IPv6{} : packet / IPv4{};
        return packet / TCP{.sport = sport,
                            .dport = 443,
                            .flags = flags,
                            .sequence = sequence,
                            .acknowledgment = acknowledgment};
    }
    const char* source() const { return GetParam().v6 ? "2001:db8::1" : "192.0.2.1"; }

    static gabion_packet parsed(const Packet& packet) {
        gabion_packet result{};
        EXPECT_EQ(parse(packet.bytes(), result), GABION_REASON_NONE);
        return result;
    }

    // As the egress program does with a packet of this flow.
    void leaves(std::uint8_t flags, const gabion_sender& sender, std::uint32_t sequence = number - 1,
                std::uint32_t acknowledgment = answered, std::uint16_t payload = 0, bool calm = false) {
        gabion_packet out = parsed(segment(flags));
        out.sequence = sequence;
        out.acknowledgment = acknowledgment;
        out.payload_length = payload;
        const gabion_vouch vouch = gabion_vouch_tcp(&out, &sender);
        gabion_flow_bucket& bucket = bucket_of(parsed(segment(flags)));
        const std::uint32_t tag = key_of(parsed(segment(flags))).tag;
        if (vouch.kind == GABION_FLOW_NONE)
            gabion_flow_refresh(&bucket, tag, &vouch, now_, control().flow_idle_ticks);
        else
            gabion_flow_note(&bucket, tag, &vouch, now_, control().flow_idle_ticks, calm);
    }

    gabion_flow_key key_of(const gabion_packet& in) { return gabion_flow_in(&in, &control().hash); }
    gabion_flow_bucket& bucket_of(const gabion_packet& in) {
        const auto flows = host().values<gabion_flow_bucket>("flows");
        return flows[key_of(in).bucket & (flows.size() - 1)];
    }

    void socket(gabion_socket_state state) {
        const gabion_flow_key key = key_of(parsed(segment(ack)));
        host().values<gabion_socket_notes>("sockets")[0].note[3] = {key.bucket, key.tag, static_cast<__u32>(state), 0};
    }

    bool proven() {
        gabion_settings settings = host().settings();
        gabion_tables tables{};
        tables.control = &control();
        tables.settings = &settings;
        tables.proven = host().values<gabion_proven_bucket>("proven").data();
        const gabion_packet in = parsed(segment(ack));
        return gabion_proven(&tables,
                             GetParam().v6 ? gabion_hash6(&control().hash, in.source.word)
                                           : gabion_hash4(&control().hash, in.source.word[0]),
                             now_) != 0;
    }
};

// What each combination of flags is called when no connection has it.
gabion_reason unknown(unsigned flags) {
    if ((flags & (syn | ack)) == syn) return GABION_REASON_CLEAN;  // the SYN stage's
    if (flags & rst) return GABION_REASON_RST_UNKNOWN;
    return flags & syn ? GABION_REASON_SYNACK_UNASKED : GABION_REASON_ACK_UNKNOWN;
}

bool sensible(unsigned flags) {
    return flags == ack || flags == (fin | ack) || flags == rst || flags == (rst | ack) || flags == syn ||
           flags == (syn | ack) || flags == (ack | 8) || flags == (fin | ack | 8);
}

TEST_P(Connection, UnknownSegmentsAreDroppedUnderTheirNames) {
    for (unsigned flags = 0; flags < 64; flags++)
        if (sensible(flags)) {
            EXPECT_EQ(reason(segment(static_cast<std::uint8_t>(flags))), unknown(flags)) << flags;
        }
    expect_agreement();
}

TEST_P(Connection, InCalmTimesNothingIsAsked) {
    control().flood = {};
    for (unsigned flags = 0; flags < 64; flags++)
        if (sensible(flags)) {
            EXPECT_EQ(run(segment(static_cast<std::uint8_t>(flags)).bytes()).action, GABION_ACTION_PASS) << flags;
        }
    for (const auto kind : {GABION_FLOOD_SYN, GABION_FLOOD_UDP, GABION_FLOOD_ICMP, GABION_FLOOD_OTHER})
        gabion_flood_raise(&control(), kind, now_, 100);
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_CLEAN) << "floods of other kinds";
}

TEST_P(Connection, AttackStateIsClearedByItsTime) {
    control().flood = {};
    gabion_flood_raise(&control(), GABION_FLOOD_TCP, now_, 100);
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_ACK_UNKNOWN);
    now_ += 99;
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_ACK_UNKNOWN);
    now_ += 1;
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_CLEAN);
}

TEST_P(Connection, AHandshakeIsBelievedByItsNumberAlone) {
    leaves(syn | ack, {});
    for (int bit = 0; bit < 32; bit++)
        EXPECT_EQ(reason(segment(ack, number ^ 1u << bit)), GABION_REASON_ACK_UNKNOWN) << bit;
    EXPECT_EQ(reason(segment(fin | ack, number + 1)), GABION_REASON_ACK_UNKNOWN);
    EXPECT_EQ(reason(segment(syn | ack, number)), GABION_REASON_SYNACK_UNASKED) << "an answer to an answer";
    EXPECT_EQ(reason(segment(rst, 0, answered + 1)), GABION_REASON_RST_UNKNOWN);
    EXPECT_EQ(reason(segment(rst, 0, answered)), GABION_REASON_CLEAN) << "refuses the answer";
    EXPECT_EQ(reason(segment(ack, number)), GABION_REASON_CLEAN);
    EXPECT_EQ(reason(segment(ack, number + 1000)), GABION_REASON_CLEAN) << "complete: numbers go on";
    EXPECT_FALSE(proven()) << "only the host's own TCP proves";
    expect_agreement();
}

TEST_P(Connection, TwoCraftedPacketsMakeNoSourceEstablished) {
    // A forged SYN, which the host answers, and a forged ACK with any number; then the bare ACK that a TCP answers with in SYN-RECEIVED.
    leaves(syn | ack, {});
    EXPECT_EQ(reason(segment(ack, number + 7)), GABION_REASON_ACK_UNKNOWN);
    for (const bool forwarded : {false, true}) {
        leaves(ack, {.connected = 0, .established = 0, .open = 0, .forwarded = forwarded}, number, answered, 0, true);
        EXPECT_EQ(reason(segment(ack, number + 7)), GABION_REASON_ACK_UNKNOWN) << forwarded;
        EXPECT_FALSE(proven());
    }
    socket(GABION_SOCKET_REQUEST);
    EXPECT_EQ(reason(segment(ack, number + 7)), GABION_REASON_ACK_UNKNOWN) << "the number is known, and it is wrong";
}

TEST_P(Connection, DataOffsetZeroMakesNothingEstablished) {
    leaves(syn | ack, {});
    Packet zero = segment(ack);
    Packet headless{Ethernet{}};
    if (GetParam().tagged) headless = headless / Vlan{.id = 7};
    headless = GetParam().v6 ? headless / IPv6{} : headless / IPv4{};
    for (std::uint8_t words = 0; words < 5; words++) {
        const Packet bad = headless / TCP{.sport = 50000, .dport = 443, .flags = ack, .words = words};
        EXPECT_EQ(reason(bad), GABION_REASON_MALFORMED_TCP) << int{words};
        EXPECT_EQ(reason(zero), GABION_REASON_ACK_UNKNOWN);
    }
}

TEST_P(Connection, TheHostsOwnSynIsAnsweredByItsNumber) {
    leaves(syn, {});
    EXPECT_EQ(reason(segment(syn | ack, number + 1)), GABION_REASON_SYNACK_UNASKED);
    EXPECT_EQ(reason(segment(rst | ack, number - 1)), GABION_REASON_RST_UNKNOWN);
    EXPECT_EQ(reason(segment(rst, number)), GABION_REASON_RST_UNKNOWN) << "bears no acknowledgment";
    EXPECT_EQ(reason(segment(syn | ack, number)), GABION_REASON_CLEAN);
    EXPECT_EQ(reason(segment(rst | ack, number)), GABION_REASON_CLEAN) << "refused";
}

TEST_P(Connection, WhatTheHostsTcpHoldsPassesWithOneLookUp) {
    leaves(ack, {.connected = 1, .established = 1, .open = 1, .forwarded = 0});
    for (const std::uint8_t flags : {ack, rst, std::uint8_t(fin | ack), std::uint8_t(rst | ack)})
        EXPECT_EQ(reason(segment(flags)), GABION_REASON_CLEAN) << int{flags};
    EXPECT_EQ(reason(segment(ack, 1, 1, 50001)), GABION_REASON_ACK_UNKNOWN) << "another port";
    leaves(rst, {});
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_ACK_UNKNOWN) << "reset, and so over";
}

TEST_P(Connection, AnIdleConnectionSurvivesThoughItsEntryWasRecycled) {
    socket(GABION_SOCKET_HELD);
    EXPECT_FALSE(proven());
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_CLEAN);
    expect_agreement();
    const auto flows = kernel_->values<gabion_flow_bucket>("flows");
    std::size_t noted = 0;
    for (const gabion_flow_bucket& bucket : flows)
        for (const gabion_flow& flow : bucket.flow)
            noted += flow.kind == GABION_FLOW_ESTABLISHED;
    EXPECT_EQ(noted, 1u) << "noted anew";
    socket(GABION_SOCKET_NONE);
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_CLEAN) << "and then nobody is asked";
    EXPECT_TRUE(proven());
}

TEST_P(Connection, WhatTheHostsTcpSaysOfTheRest) {
    const struct {
        gabion_socket_state state;
        bool an_ack, a_reset, a_synack;
    } cases[] = {{GABION_SOCKET_NONE, false, false, false}, {GABION_SOCKET_LISTENS, false, false, false},
                 {GABION_SOCKET_COOKIE, true, true, true},  {GABION_SOCKET_REQUEST, true, true, true},
                 {GABION_SOCKET_ASKS, false, true, true},   {GABION_SOCKET_ENDED, true, true, true},
                 {GABION_SOCKET_HELD, true, true, true}};
    for (const auto& one : cases) {
        socket(one.state);
        EXPECT_EQ(reason(segment(ack)), one.an_ack ? GABION_REASON_CLEAN : GABION_REASON_ACK_UNKNOWN) << one.state;
        EXPECT_EQ(reason(segment(rst)), one.a_reset ? GABION_REASON_CLEAN : GABION_REASON_RST_UNKNOWN) << one.state;
        EXPECT_EQ(reason(segment(syn | ack)), one.a_synack ? GABION_REASON_CLEAN : GABION_REASON_SYNACK_UNASKED)
            << one.state;
    }
}

TEST_P(Connection, AKnownAddressIsNoLicenceForBlindSegments) {
    remember(source());
    allow(source(), GABION_SKIP_RATES);
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_ACK_UNKNOWN);
    control().connections.forwards = 1;
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_CLEAN) << "perhaps a container's connection";
    EXPECT_EQ(reason(segment(rst)), GABION_REASON_RST_UNKNOWN);
    EXPECT_EQ(reason(segment(syn | ack)), GABION_REASON_SYNACK_UNASKED);
    control().connections.forwards = 0;
    allow(source(), GABION_SKIP_VALIDATION);
    EXPECT_EQ(reason(segment(rst)), GABION_REASON_CLEAN) << "as its owner asked";
}

TEST_P(Connection, ForwardedConnectionsAreNotedAsTheyGoOn) {
    const gabion_sender behind{.connected = 0, .established = 0, .open = 0, .forwarded = 1};
    leaves(ack, behind, 5000, 6000);
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_ACK_UNKNOWN) << "a bare ACK of no known flow, in a flood";
    leaves(ack, behind, 5000, 6000, 0, true);
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_CLEAN) << "in calm times it is taken";
    leaves(syn | ack, behind);
    leaves(ack, behind, number, answered + 10);
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_CLEAN) << "it took data: the handshake is behind it";
    leaves(syn | ack, behind);
    leaves(ack, behind, number, answered, 100);
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_CLEAN) << "it sent data";
    leaves(syn, behind);
    leaves(ack, behind, number, answered);
    EXPECT_EQ(reason(segment(ack)), GABION_REASON_CLEAN) << "it asked, and acknowledges the answer";
    EXPECT_FALSE(proven()) << "whatever passes through the host proves nothing";
}

INSTANTIATE_TEST_SUITE_P(Ways, Connection,
                         ::testing::Values(Way{"v4", false, false}, Way{"v6", true, false},
                                           Way{"v4_tagged", false, true}, Way{"v6_tagged", true, true}),
                         [](const auto& way) { return std::string(way.param.name); });

}  // namespace
}  // namespace gabion::test
