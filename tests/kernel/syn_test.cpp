// SPDX-License-Identifier: Apache-2.0
// SYN floods: when a destination is engaged, what its SYNs are answered with, byte for byte, and what is not answered.
#include "bpf/lib/cookie.h"
#include "bpf/lib/count.h"
#include "tests/kernel/syn_bed.h"

namespace gabion::test {
namespace {

std::uint16_t sum_of(const std::vector<std::byte>& bytes, std::size_t from, std::size_t to, std::uint32_t start) {
    std::uint32_t sum = start;
    for (std::size_t i = from; i + 1 < to; i += 2)
        sum += std::to_integer<std::uint32_t>(bytes[i]) << 8 | std::to_integer<std::uint32_t>(bytes[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

struct Peer {
    const char* description;
    bool v6;
    bool tagged;
    std::vector<std::uint8_t> options;
    std::uint32_t data;                  // of the cookie
    std::vector<std::uint8_t> answered;  // options; a timestamp's place is 0
};

TEST_F(Syn, EngagesAboveTheRateAndNotBelow) {
    for (int i = 0; i < 500; i++, now_++)
        EXPECT_EQ(reason(syn4()), GABION_REASON_CLEAN) << "one a tick is the rate";
    now_ += 100;
    EXPECT_EQ(engage(syn4()), 11) << "the burst, and the one that is due";
    EXPECT_EQ(reason(syn4()), GABION_REASON_SYN_ANSWERED);
    EXPECT_EQ(reason(syn4("203.0.113.7", 40000, 81)), GABION_REASON_CLEAN) << "another port is another destination";
    EXPECT_EQ(reason(syn6()), GABION_REASON_CLEAN);
    now_ += 49;
    EXPECT_EQ(reason(syn4()), GABION_REASON_SYN_ANSWERED) << "held";
    now_ += 50;
    EXPECT_EQ(reason(syn4()), GABION_REASON_CLEAN) << "and over";
    expect_agreement();
}

const std::vector<Peer> peers = {
    {"as Linux offers", false, false, usual, 0xc0 | 9 << 2 | 3, {2, 4, 5, 180, 4, 2, 8, 10, 0, 0,
                                                                 0, 0, 1, 2,   3, 4, 1, 3,  3, 7}},
    {"behind a tag", false, true, usual, 0xc0 | 9 << 2 | 3, {2, 4, 5, 180, 4, 2, 8, 10, 0, 0,
                                                             0, 0, 1, 2,   3, 4, 1, 3,  3, 7}},
    {"as Windows offers",
     false,
     false,
     {2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2},
     0xc0 | 8 << 2 | 2,
     {2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7}},
    {"no options", false, false, {}, 0x00 | 15 << 2, {}},
    {"MSS alone", false, false, {2, 4, 5, 100}, 0x40 | 15 << 2, {2, 4, 5, 180}},
    {"scale alone", false, false, {3, 3, 0}, 0x00, {1, 3, 3, 7}},
    {"timestamps without SACK",
     false,
     false,
     {1, 1, 8, 10, 9, 9, 9, 9, 0, 0, 0, 0},
     15 << 2 | 1,
     {1, 1, 8, 10, 0, 0, 0, 0, 9, 9, 9, 9}},
    {"v6 as Linux offers",
     true,
     false,
     {2, 4, 5, 160, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 9},
     0xc0 | 9 << 2 | 3,
     {2, 4, 5, 160, 4, 2, 8, 10, 0, 0, 0, 0, 1, 2, 3, 4, 1, 3, 3, 7}},
    {"v6 behind a tag", true, true, {2, 4, 5, 160}, 0xc0 | 15 << 2, {2, 4, 5, 160}},
    {"v6 without options", true, false, {}, 15 << 2, {}},
};

Bytes syn_of(const Peer& peer) {
    Packet packet{Ethernet{}};
    if (peer.tagged) packet = packet / Vlan{.id = 7};
    if (peer.v6)
        packet = packet / IPv6{.source = "2001:db8:7::7"};
    else
        packet = packet / IPv4{.source = "203.0.113.7"};
    packet = packet / TCP{.sport = 40000, .dport = 80, .flags = 2, .sequence = 0xffffffff, .options = peer.options};
    return packet.bytes();
}

// Our own timestamp is any number.
void expect_options(const std::vector<std::byte>& out, std::size_t at, const Peer& peer) {
    for (std::size_t i = 0; i < peer.answered.size(); i++) {
        const std::size_t value = peer.answered.size() == 12 ? 4 : 8;  // after the option's kind and length
        const bool timestamp =
            peer.answered.size() >= 12 && peer.answered[value - 2] == 8 && i >= value && i < value + 4;
        if (!timestamp) {
            EXPECT_EQ(std::to_integer<int>(out[at + i]), peer.answered[i]) << peer.description << ", byte " << i;
        }
    }
}

// Turned round, with sound sums and nothing but what is agreed on.
void expect_answer(const Bytes& in, const std::vector<std::byte>& out, const Peer& peer) {
    const std::size_t l3 = peer.tagged ? 18 : 14, l4 = l3 + (peer.v6 ? 40 : 20), bytes = 20 + peer.answered.size();
    ASSERT_EQ(out.size(), in.size() >= 60 ? std::max<std::size_t>(60, l4 + bytes) : l4 + bytes) << peer.description;
    for (std::size_t i = 0; i < 6; i++) {
        EXPECT_EQ(out[i], in[6 + i]);
        EXPECT_EQ(out[6 + i], in[i]);
    }
    for (std::size_t i = 12; i < l3; i++)
        EXPECT_EQ(out[i], in[i]) << "tag and type";
    const std::size_t width = peer.v6 ? 16 : 4, from = l3 + (peer.v6 ? 8 : 12);
    for (std::size_t i = 0; i < width; i++) {
        EXPECT_EQ(out[from + i], in[from + width + i]);
        EXPECT_EQ(out[from + width + i], in[from + i]);
    }
    if (peer.v6) {
        EXPECT_EQ(at32(out, l3), 0x60000000u);
        EXPECT_EQ(at32(out, l3 + 4), bytes << 16 | 6 << 8 | 64);
    } else {
        EXPECT_EQ(at32(out, l3), 0x45000000u | (20 + bytes));
        EXPECT_EQ(sum_of(out, l3, l4, 0), 0xffff) << peer.description;
    }
    EXPECT_EQ(at32(out, l4), 80u << 16 | 40000);
    EXPECT_EQ(at32(out, l4 + 4) & 0xff, peer.data) << peer.description;
    EXPECT_EQ(at32(out, l4 + 8), 0u) << "one more than the SYN's number";
    EXPECT_EQ(at32(out, l4 + 12) >> 16, bytes / 4 << 12 | 0x12);
    EXPECT_EQ(sum_of(out, l4, l4 + bytes, sum_of(out, from, from + 2 * width, static_cast<std::uint32_t>(6 + bytes))),
              0xffff)
        << peer.description;
    expect_options(out, l4 + 20, peer);
}

TEST_F(Syn, AnswersOnlyWhatWasOfferedByteForByte) {
    engage(syn4());
    engage(syn6());
    for (const Peer& peer : peers) {
        const Bytes in = syn_of(peer);
        ASSERT_EQ(reason(in), GABION_REASON_SYN_ANSWERED) << peer.description;
        expect_answer(in, kernel_->output(), peer);
    }
}

TEST_F(Syn, InATcpFloodACookieThatComesBackIsNotBlind) {
    for (const bool v6 : {false, true}) {
        const Packet syn = v6 ? syn6() : syn4();
        engage(syn);
        ASSERT_EQ(reason(syn), GABION_REASON_SYN_ANSWERED);
        const std::uint32_t cookie = at32(kernel_->output(), v6 ? 58 : 38);
        const auto ack = [&](std::uint32_t acknowledged, std::uint16_t port) {
            const TCP tcp{.sport = port, .dport = 80, .flags = 0x10, .sequence = 78, .acknowledgment = acknowledged};
            return v6 ? Ethernet{} / IPv6{.source = "2001:db8:7::7"} / tcp
                      : Ethernet{} / IPv4{.source = "203.0.113.7"} / tcp;
        };
        control().flood.any = control().flood.until[GABION_FLOOD_TCP] = now_ + 1000;
        EXPECT_EQ(reason(ack(cookie + 2, 40000)), GABION_REASON_ACK_UNKNOWN);
        EXPECT_EQ(reason(ack(cookie + 1, 40001)), GABION_REASON_ACK_UNKNOWN) << "another port";
        EXPECT_EQ(reason(ack(cookie + 1, 40000)), GABION_REASON_CLEAN);
        expect_agreement();
    }
}

TEST_F(Syn, AnswersWithoutItsPayload) {
    engage(syn4());
    const Packet packet =
        Ethernet{} / IPv4{.source = "64.1.2.3"} / TCP{.sport = 1024, .dport = 80, .flags = 2} / Payload{24};
    ASSERT_EQ(reason(packet), GABION_REASON_SYN_ANSWERED);
    EXPECT_EQ(kernel_->output().size(), 60u);
}

TEST_F(Syn, AnswersNobodyWhoCannotBeAnswered) {
    engage(syn4());
    engage(syn6());
    control().syn.cap_interval = 0;  // what is not answered is dropped
    for (const char* source : {"0.1.2.3", "127.0.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", host4})
        EXPECT_TRUE(gabion_drops(reason(syn4(source)))) << source;
    for (const char* source : {"::", "::1", "ff02::1", "fe80::1", "::ffff:1.2.3.4", host6})
        EXPECT_TRUE(gabion_drops(reason(syn6(source)))) << source;
    const TCP tcp{.dport = 80, .flags = 2, .options = usual};
    EXPECT_EQ(reason(Ethernet{.source = {3, 0, 0, 0, 0, 1}} / IPv4{} / tcp), GABION_REASON_SYN_FIRST) << "from a group";
    EXPECT_EQ(reason(Ethernet{.destination = {255, 255, 255, 255, 255, 255}} / IPv4{} / tcp), GABION_REASON_SYN_FIRST);
    EXPECT_EQ(reason(Ethernet{} / IPv4{.option_bytes = 4} / tcp), GABION_REASON_SYN_FIRST) << "IP options";
    EXPECT_EQ(reason(Ethernet{} / Vlan{} / Vlan{} / IPv4{} / tcp), GABION_REASON_SYN_FIRST) << "two tags";
    EXPECT_EQ(reason(Ethernet{} / IPv4{} / TCP{.sport = 3, .dport = 80, .flags = 2, .options = {2, 4, 2, 23}}),
              GABION_REASON_SYN_FIRST)
        << "MSS 535";
    EXPECT_EQ(reason(Ethernet{} / IPv4{} / TCP{.sport = 3, .dport = 80, .flags = 2, .options = {2, 4, 2, 24}}),
              GABION_REASON_SYN_ANSWERED)
        << "MSS 536";
}

TEST_F(Syn, AnswersNothingWhereNobodyListens) {
    const Packet closed = syn4("203.0.113.7", 40000, 81);
    EXPECT_EQ(reason(closed), GABION_REASON_CLEAN);
    engage(closed);
    for (int i = 0; i < 10; i++)
        EXPECT_NE(reason(closed), GABION_REASON_SYN_ANSWERED);
}

TEST_F(Syn, AnswersASourcePrefixNoOftenerThanItMay) {
    engage(syn4());
    engage(syn6());
    control().syn.answer_interval = 4 << 16;
    control().syn.answer_burst = 16 << 16;
    now_ += 10;
    for (int v6 = 0; v6 < 2; v6++) {
        int answered = 0;
        for (int i = 0; i < 30; i++) {
            const std::string last = std::to_string(i + 1);
            answered += reason(v6 ? syn6("2001:db8:9:" + last + "::1") : syn4("203.0.114." + last)) ==
                        GABION_REASON_SYN_ANSWERED;
        }
        EXPECT_EQ(answered, 5) << "four ahead, and the one that is due";
        EXPECT_EQ(reason(v6 ? syn6("2001:db8:9::1") : syn4("203.0.114.99")), GABION_REASON_SYN_UNANSWERED);
        EXPECT_EQ(reason(v6 ? syn6("2001:db8:a::1") : syn4("203.0.115.1")), GABION_REASON_SYN_ANSWERED)
            << "another prefix";
    }
}

TEST_F(Syn, BannedSourcesGetNoAnswer) {
    engage(syn4());
    put(GABION_SET_OPERATOR, "203.0.113.7");
    EXPECT_EQ(reason(syn4()), GABION_REASON_BAN_OPERATOR);
    EXPECT_EQ(reason(syn4("203.0.113.8")), GABION_REASON_SYN_ANSWERED);
}

TEST_F(Syn, AllowedSourcesReachTheStack) {
    engage(syn4());
    allow("203.0.113.9", GABION_SKIP_RATES);
    EXPECT_EQ(reason(syn4("203.0.113.9")), GABION_REASON_CLEAN);
}

TEST_F(Syn, ADryRunAnswersNothingAndCountsIt) {
    engage(syn4());
    control().dry_run = 1;
    const Bytes in = syn4().bytes();
    EXPECT_EQ(run(in).action, GABION_ACTION_PASS);
    EXPECT_EQ(kernel_->output(), in) << "the frame is as it was";
    EXPECT_EQ(kernel_->values<gabion_cpu>("cpus")[0].would_drop[GABION_REASON_SYN_ANSWERED].packets, 1u);
}

TEST_F(Syn, WithoutCookiesFirstSynsAreDroppedAndTheRestIsCapped) {
    control().syn.way = GABION_SYN_CAP;
    EXPECT_EQ(engage(syn4()), 11);
    EXPECT_EQ(reason(syn4("192.0.2.50")), GABION_REASON_SYN_FIRST);
    now_ += 10;
    EXPECT_EQ(reason(syn4("192.0.2.50")), GABION_REASON_SYN_FIRST) << "not so soon";
    now_ += 240;
    engage(syn4("192.0.2.51"));
    EXPECT_EQ(reason(syn4("192.0.2.50")), GABION_REASON_CLEAN) << "came again after a second";
    EXPECT_EQ(reason(syn4("192.0.2.50")), GABION_REASON_CLEAN);
    EXPECT_EQ(reason(syn4("192.0.2.50")), GABION_REASON_CLEAN) << "two ahead";
    EXPECT_EQ(reason(syn4("192.0.2.50")), GABION_REASON_SYN_CAP);
    remember("192.0.2.60");
    for (int i = 0; i < 20; i++)
        EXPECT_EQ(reason(syn4("192.0.2.60")), GABION_REASON_CLEAN) << "known from calm times";
    prove("192.0.2.61");
    EXPECT_EQ(reason(syn4("192.0.2.61")), GABION_REASON_CLEAN) << "proven";
}

// A busy port of a container: nobody listens here whose cookie could be told.
TEST_F(Syn, WhoCannotBeAnsweredIsCappedOnlyAboveARateOfHisOwn) {
    control().syn.heavy_interval = 1 << 14;  // four a tick
    control().syn.heavy_burst = 20 << 16;
    engage(syn4());
    const auto passed = [this](int a_tick) {
        int through = 0;
        for (int tick = 0; tick < 100; tick++, now_++)
            for (int i = 0; i < a_tick; i++)
                through += reason(syn4("203.0.113.7", static_cast<std::uint16_t>(1000 + 10 * tick + i), 81)) ==
                           GABION_REASON_CLEAN;
        return through;
    };
    EXPECT_EQ(passed(3), 300) << "engaged, and left alone";
    const int above = passed(8);
    EXPECT_GT(above, 80) << "until it is above";
    EXPECT_LT(above, 300) << "then first SYNs are dropped";
    now_ += 100;
    EXPECT_EQ(passed(3), 300) << "and not when it is over";
}

TEST_F(Syn, AFloodElsewhereLowersTheRate) {
    control().syn.engage_interval = 1 << 12;
    for (int tick = 0; tick < 20; tick++, now_++) {
        for (int i = 0; i < 5; i++)
            EXPECT_EQ(reason(syn4()), GABION_REASON_CLEAN);
    }
    control().flood.any = control().flood.until[GABION_FLOOD_SYN] = now_ + 1000;
    int answered = 0;
    for (int i = 0; i < 30; i++)
        answered += reason(syn4()) == GABION_REASON_SYN_ANSWERED;
    EXPECT_GT(answered, 10);
}

}  // namespace
}  // namespace gabion::test
