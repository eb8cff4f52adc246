// SPDX-License-Identifier: Apache-2.0
// Rates of single sources: what is above one of them is dropped, from the account that the packet goes on, and who offends is told of.
#include "bpf/abi/source.h"

#include <cstring>
#include <string>

#include "bpf/lib/flood.h"
#include "bpf/lib/flow.h"
#include "bpf/lib/vouch.h"
#include "tests/kernel/homes.h"

namespace gabion::test {
namespace {

constexpr std::uint8_t syn = 2, ack = 16;
constexpr std::uint32_t sent = 0x51234567;   // the number of the host's last packet out
constexpr std::uint32_t taken = 0x81234567;  // what it acknowledged
constexpr std::uint32_t ticks = 250;         // a second
constexpr std::uint32_t far = 0x40000000;

struct Way {
    const char* name;
    bool v6;
    bool tagged;
};

class Sources : public Homes, public ::testing::WithParamInterface<Way> {
protected:
    void SetUp() override {
        Homes::SetUp();
        if (IsSkipped()) return;
        gabion_source_control& sources = control().sources;
        sources.when = GABION_SOURCES_IN_FLOODS;
        sources.window = sources.age = ticks;
        sources.threshold = 100 << 16;
        sources.points[GABION_RATE_PACKETS] = sources.points[GABION_RATE_TCP] = 20 << 16;
        sources.points[GABION_RATE_CONNECTIONS] = 30 << 16;
        for (gabion_source_limits& one : host().values<gabion_source_limits>("source_limits"))
            one.depth = ticks << GABION_LEVEL_SHIFT;
        flood(true);
    }

    void flood(bool on) {
        control().flood = {};
        if (on) gabion_flood_raise(&control(), GABION_FLOOD_OTHER, now_, 1'000'000);
    }
    // A rate a second; a bucket holds a second's worth.
    void limit(gabion_rate rate, double a_second, std::size_t set = 0) {
        host().values<gabion_source_limits>("source_limits")[set].cost[rate] =
            static_cast<__u64>(ticks * 4294967296.0 / a_second);
    }

    Packet link(unsigned source = 1) const {
        Packet packet{Ethernet{}};
        if (GetParam().tagged) packet = packet / Vlan{.id = 7};
        if (GetParam().v6) return packet / IPv6{.source = "2a00:31::" + std::to_string(source)};
        return packet / IPv4{.source = "31.0.0." + std::to_string(source)};
    }
    Packet datagram(unsigned source = 1, std::uint16_t dport = 9000, std::size_t payload = 20) const {
        return link(source) / UDP{.sport = 50000, .dport = dport} / Payload{payload};
    }
    Packet segment(std::uint8_t flags, std::uint32_t sequence = taken, std::uint32_t acknowledgment = sent,
                   std::uint16_t sport = 50000, unsigned source = 1) const {
        return link(source) / TCP{.sport = sport,
                                  .dport = 443,
                                  .flags = flags,
                                  .sequence = sequence,
                                  .acknowledgment = acknowledgment};
    }
    Packet echo(unsigned source = 1) const {
        return link(source) / ICMP{.type = static_cast<std::uint8_t>(GetParam().v6 ? 128 : 8)} / Payload{20};
    }

    // The host's TCP sent a segment on the connection that `in` belongs to.
    void leaves(const Packet& in, gabion_flow_kind kind, std::uint32_t number = sent,
                std::uint32_t acknowledgment = taken) {
        gabion_packet packet{};
        ASSERT_EQ(parse(in.bytes(), packet), GABION_REASON_NONE);
        const gabion_flow_key key = gabion_flow_in(&packet, &control().hash);
        const auto flows = host().values<gabion_flow_bucket>("flows");
        const gabion_vouch what = {static_cast<std::uint32_t>(kind), 0, 0, number, acknowledgment, 0, 0};
        gabion_flow_note(&flows[key.bucket & (flows.size() - 1)], key.tag, &what, now_, control().flow_idle_ticks, 1);
    }

    // Packets that pass of `pps` for so many seconds, and of how many.
    int passed_at(const Packet& packet, double pps, int seconds = 1) {
        int through = 0;
        double due = 0;
        for (std::uint32_t tick = 0; tick < seconds * ticks; tick++, now_++)
            for (due += pps / ticks; due >= 1; due--)
                through += passed(packet, 1);
        return through;
    }

    std::uint32_t told() { return control().sources.told; }
    gabion_offence offence(std::uint32_t number) { return host().values<gabion_offence>("offences")[number - 1]; }
};

TEST_P(Sources, EachRateHoldsJustBelowAndJustAbove) {
    struct Case {
        gabion_rate rate;
        Packet packet;
        double amount;
    };
    control().quarantine_syn_ticks = 0;  // no SYN passes above
    const double frame = static_cast<double>(datagram().bytes().size());
    for (const auto& [rate, packet, amount] :
         {Case{GABION_RATE_PACKETS, datagram(), 1}, Case{GABION_RATE_BYTES, datagram(), frame},
          Case{GABION_RATE_TCP, segment(ack), 1}, Case{GABION_RATE_UDP, datagram(), 1},
          Case{GABION_RATE_ICMP, echo(), 1}, Case{GABION_RATE_SYN, segment(syn), 1}}) {
        std::memset(host().values<gabion_source_limits>("source_limits")[0].cost, 0,
                    sizeof(gabion_source_limits::cost));
        now_ += 100 * ticks;
        flood(true);
        limit(rate, 50 * amount);
        EXPECT_EQ(passed(packet, 1), 1);
        EXPECT_GE(passed_at(packet, 49, 2), 97) << rate;
        EXPECT_EQ(reason(packet), GABION_REASON_CLEAN) << rate;
        now_ += 100 * ticks;
        flood(true);
        EXPECT_EQ(passed(packet, 50), 50) << "a bucket full";
        EXPECT_EQ(reason(packet), GABION_REASON_SOURCE_RATE) << rate;
        EXPECT_NEAR(passed_at(packet, 200, 2), 100, 3) << "the excess alone is dropped";
        EXPECT_EQ(passed(datagram(2), 1), 1) << "others have rates of their own";
    }
    expect_agreement();
}

TEST_P(Sources, NothingIsHeldInCalmTimesOrWithoutLimits) {
    EXPECT_EQ(passed(datagram(), 500), 500) << "no limit";
    limit(GABION_RATE_UDP, 10);
    flood(false);
    EXPECT_EQ(passed(datagram(), 500), 500);
    control().sources.when = GABION_SOURCES_ALWAYS;
    control().caps.sources = 1;
    EXPECT_EQ(passed(datagram(), 500), 10);
    control().caps.sources = 0;
    control().sources.when = GABION_SOURCES_NEVER;
    flood(true);
    EXPECT_EQ(passed(datagram(), 500), 500);
    control().sources.when = GABION_SOURCES_IN_FLOODS;
    host().settings().features &= ~GABION_FEATURE_SOURCE_RATES;
    const HostPipeline::Verdict verdict = host().run(datagram().bytes(), 0, now_);
    EXPECT_EQ(verdict.reason, GABION_REASON_CLEAN);
    host().settings().features |= GABION_FEATURE_SOURCE_RATES;
}

TEST_P(Sources, SparesWhatIsAllowedKnownAndOfTheNetwork) {
    limit(GABION_RATE_PACKETS, 10);
    const auto name = [this](unsigned source) {
        return (GetParam().v6 ? "2a00:31::" : "31.0.0.") + std::to_string(source);
    };
    allow(name(2), GABION_SKIP_RATES);
    allow(name(3), GABION_SKIP_BANS);
    remember(name(4));
    EXPECT_EQ(passed(datagram(2), 100), 100);
    EXPECT_EQ(passed(datagram(3), 100), 11);
    EXPECT_EQ(passed(datagram(4), 100), 100);
    EXPECT_EQ(passed(datagram(5, 520), 100), 100) << "RIP";
    vouch(datagram(6), GABION_FLOW_OWN, 1000);
    EXPECT_EQ(passed(datagram(6), 100), 100) << "the host asked";
    control().caps.sources = 1;
    EXPECT_EQ(passed(datagram(4), 100), 11) << "rates that hold always hold for known sources too";
}

TEST_P(Sources, PortsMayHaveOtherRates) {
    limit(GABION_RATE_UDP, 10);
    limit(GABION_RATE_UDP, 100, 3);
    limit(GABION_RATE_TCP, 5, 4);
    control().sources.ports = 2;
    const auto rules = host().values<__u64>("port_rules");
    rules[(65536 + 53) / 4] |= 3ull << (53 % 4 * 16 + 8);
    rules[443 / 4] |= 4ull << (443 % 4 * 16 + 8);
    EXPECT_EQ(passed(datagram(1, 54), 200), 11);
    EXPECT_EQ(passed(datagram(2, 53), 200), 101);
    EXPECT_EQ(passed(segment(ack, taken, sent, 50000, 3), 200), 6);
    EXPECT_EQ(passed(link(4) / UDP{.sport = 50000, .dport = 443}, 200), 11) << "another protocol's port";
    expect_agreement();
}

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

TEST_P(Sources, ASynPassesAboveTheRatesNowAndThen) {
    limit(GABION_RATE_PACKETS, 5);
    control().quarantine_syn_ticks = ticks;
    passed(datagram(), 50);
    now_ += ticks / 10;
    passed(datagram(), 50);
    EXPECT_EQ(passed(segment(syn), 10), 0) << "the account is no second old";
    for (int second = 0; second < 3; second++) {
        now_ += ticks;
        passed(datagram(), 50);
        EXPECT_EQ(passed(segment(syn), 10), 1);
        EXPECT_EQ(passed(segment(syn | ack), 10), 0);
    }
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

// Newcomers in any number neither push out a source that sends, nor touch what is kept of connections.
TEST_P(Sources, FloodsOfNewSourcesChangeNothing) {
    limit(GABION_RATE_PACKETS, 20);
    leaves(segment(ack), GABION_FLOW_ESTABLISHED);
    passed(segment(ack), 100);
    passed(datagram(2), 100);
    const auto sources = host().values<gabion_source>("sources");
    const std::vector<gabion_source> before(sources.begin() + static_cast<std::ptrdiff_t>(sources.size()) / 2,
                                            sources.end());
    const std::uint64_t fresh = cpu().lots.new_sources;
    const std::uint64_t all = rounds(20'000, 1'000'000);
    for (std::uint64_t i = 0; i < all; i++) {
        const std::string forged = GetParam().v6 ? "2a01:" + std::to_string(i % 9000) + "::" + std::to_string(i / 9000)
                                                 : std::to_string(40 + i / 250 / 250 / 250) + "." +
                                                       std::to_string(i / 250 / 250 % 250) + "." +
                                                       std::to_string(i / 250 % 250) + "." + std::to_string(i % 250);
        Packet packet{Ethernet{}};
        packet = GetParam().v6 ? packet / IPv6{.source = forged} : packet / IPv4{.source = forged};
        EXPECT_EQ(host().run((packet / UDP{.sport = 1, .dport = 2}).bytes(), 0, now_).reason, GABION_REASON_CLEAN);
    }
    EXPECT_EQ(cpu().lots.new_sources - fresh, all);
    EXPECT_TRUE(std::equal(before.begin(), before.end(),
                           sources.begin() + static_cast<std::ptrdiff_t>(sources.size()) / 2,
                           [](const gabion_source& one, const gabion_source& other) {
                               return std::memcmp(&one, &other, sizeof one) == 0;
                           }))
        << "what is kept of connections";
    EXPECT_EQ(host().run(segment(ack).bytes(), 0, now_).reason, GABION_REASON_SOURCE_RATE);
}

INSTANTIATE_TEST_SUITE_P(Ways, Sources,
                         ::testing::Values(Way{"v4", false, false}, Way{"v6", true, false},
                                           Way{"v4_tagged", false, true}, Way{"v6_tagged", true, true}),
                         [](const auto& way) { return way.param.name; });

}  // namespace
}  // namespace gabion::test
