// SPDX-License-Identifier: Apache-2.0
// Rates of single sources: what is above one of them is dropped, from the account that the packet goes on, and new ones are let in at a rate.
#include <cstring>

#include "tests/kernel/sources.h"

namespace gabion::test {
namespace {

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

// As many new sources a second as there is room for; who has got in stays, and so do those whom somebody vouches for.
TEST_P(Sources, NewOnesAreLetInAtARate) {
    gabion_cell& cell = host().values<gabion_cell>("cells")[GABION_CELL_NEW_SOURCES];
    cell.interval = static_cast<__u32>(ticks * 65536.0 * GABION_CAP_LOT / 320);
    cell.burst = 2 * cell.interval;
    gabion_flood_raise(&control(), GABION_FLOOD_UDP, now_, 1'000'000);
    EXPECT_EQ(passed(datagram(250), 10), 10) << "in time";
    int let_in = 0;
    unsigned number = 0;
    const auto forged = [&] {
        const std::string high = std::to_string(++number / 200), low = std::to_string(number % 200 + 1);
        Packet packet{Ethernet{}};
        packet = GetParam().v6 ? packet / IPv6{.source = "2a01:" + high + "::" + low}
                               : packet / IPv4{.source = "45.1." + high + "." + low};
        return packet / UDP{.sport = 1, .dport = 2};
    };
    for (std::uint32_t tick = 0; tick < 4 * ticks; tick++, now_++)
        for (int i = 0; i < 10; i++)
            let_in += reason(forged()) == GABION_REASON_CLEAN;
    EXPECT_NEAR(let_in, 4 * 320, 160) << "of 10,000";
    while (reason(forged()) == GABION_REASON_CLEAN)
        ;
    EXPECT_EQ(reason(datagram(251)), GABION_REASON_NEW_SOURCE);
    EXPECT_EQ(reason(datagram(251)), GABION_REASON_NEW_SOURCE) << "it has not got a place by trying";
    EXPECT_EQ(passed(datagram(250), 10), 10) << "it has one";
    remember((GetParam().v6 ? "2a00:31::" : "31.0.0.") + std::to_string(252));
    control().caps.sources = 1;
    EXPECT_EQ(passed(datagram(252), 10), 10) << "known from calm times";
    EXPECT_EQ(passed(segment(syn, taken, sent, 50000, 253), 10), 10) << "SYNs are met elsewhere";
    EXPECT_EQ(passed(echo(254), 10), 10) << "there is no flood of ICMP";
    flood(false);
    EXPECT_EQ(passed(datagram(251), 10), 10) << "in calm times everybody gets in";
    expect_agreement();
}

INSTANTIATE_TEST_SUITE_P(Ways, Sources,
                         ::testing::Values(SourcesWay{"v4", false, false}, SourcesWay{"v6", true, false},
                                           SourcesWay{"v4_tagged", false, true}, SourcesWay{"v6_tagged", true, true}),
                         [](const auto& way) { return way.param.name; });

}  // namespace
}  // namespace gabion::test
