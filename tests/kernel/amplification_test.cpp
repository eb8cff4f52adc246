// SPDX-License-Identifier: Apache-2.0
// Amplification, in both homes: what the built-in rules drop, what they must not, fragments, and the host's own questions.
#include <algorithm>
#include <set>

#include "bpf/abi/flow.h"
#include "bpf/lib/flow.h"
#include "dataplane/core/amplifiers.h"
#include "tests/kernel/homes.h"

namespace gabion::test {
namespace {

const Ethernet eth{};
constexpr std::uint16_t own_port = 40000;

// What a rule describes, in `bytes` bytes.
std::vector<std::uint8_t> answer(const AmplifierRule& rule, std::size_t bytes) {
    std::vector<std::uint8_t> payload(bytes, 0x5a);
    for (const AmplifierByte& byte : rule.bytes)
        payload.at(byte.offset) = static_cast<std::uint8_t>((payload.at(byte.offset) & ~byte.mask) | byte.value);
    return payload;
}

std::vector<std::uint8_t> answer(const AmplifierRule& rule) { return answer(rule, rule.shortest); }

// A UDP packet with this payload behind what `below` has composed.
Bytes udp(const Packet& below, std::uint16_t sport, std::uint16_t dport, const std::vector<std::uint8_t>& payload) {
    Bytes frame = (below / UDP{.sport = sport, .dport = dport} / Payload{payload.size()}).bytes();
    std::transform(payload.begin(), payload.end(), frame.end() - static_cast<std::ptrdiff_t>(payload.size()),
                   [](std::uint8_t byte) { return std::byte{byte}; });
    return frame;
}

bool alone_on_its_port(const AmplifierRule& rule) {
    const auto& rules = built_in_amplifiers();
    return std::count_if(rules.begin(), rules.end(), [&](const auto& other) { return other.port == rule.port; }) == 1;
}

class Amplification : public Homes {
protected:
    void SetUp() override {
        Homes::SetUp();
        write(built_in_amplifiers());
    }

    void write(const std::vector<AmplifierRule>& rules) {
        ASSERT_EQ(amplifier_problem(rules), "");
        write_amplifiers(rules, {.ports = host().values<std::uint64_t>("amp_ports"),
                                 .index = host().values<std::uint64_t>("amp_index"),
                                 .rules = host().values<gabion_amp_rule>("amp_rules")});
    }

    gabion_reason from(std::uint16_t port, const std::vector<std::uint8_t>& payload) {
        return reason(udp(eth / IPv4{}, port, own_port, payload));
    }

    // The host asked, and the answer to it is `in`; or it asked a group.
};

TEST_F(Amplification, EveryBuiltInAnswerIsDropped) {
    std::set<std::string> names;
    for (const AmplifierRule& rule : built_in_amplifiers()) {
        names.insert(rule.name);
        for (const Packet& below : {eth / IPv4{}, eth / IPv6{}, eth / Vlan{} / IPv4{}, eth / Vlan{} / IPv6{},
                                    eth / IPv4{.option_bytes = 8}, eth / IPv6{} / Extension{.kind = 60}})
            EXPECT_EQ(reason(udp(below, rule.port, own_port, answer(rule))), GABION_REASON_AMPLIFICATION) << rule.name;
        const std::size_t long_one = std::min<std::size_t>(rule.longest, 1400);
        EXPECT_EQ(from(rule.port, answer(rule, long_one)), GABION_REASON_AMPLIFICATION) << rule.name;
    }
    EXPECT_GT(names.size(), 20u);
    control().flood.any = now_ + 1000;
    for (const AmplifierRule& rule : built_in_amplifiers())
        EXPECT_EQ(from(rule.port, answer(rule)), GABION_REASON_AMPLIFICATION) << rule.name << " in a flood";
    expect_agreement();
}

TEST_F(Amplification, OneByteShorterOrLongerPasses) {
    for (const AmplifierRule& rule : built_in_amplifiers()) {
        if (!alone_on_its_port(rule)) continue;
        auto shorter = answer(rule);
        shorter.pop_back();
        EXPECT_EQ(from(rule.port, shorter), GABION_REASON_CLEAN) << rule.name;
        if (rule.longest < 1400) {
            EXPECT_EQ(from(rule.port, answer(rule, rule.longest + 1u)), GABION_REASON_CLEAN) << rule.name;
        }
    }
}

TEST_F(Amplification, EveryByteOfARuleCounts) {
    for (const AmplifierRule& rule : built_in_amplifiers()) {
        if (!alone_on_its_port(rule)) continue;
        for (const AmplifierByte& byte : rule.bytes) {
            auto payload = answer(rule);
            payload[byte.offset] ^= byte.mask;
            EXPECT_EQ(from(rule.port, payload), GABION_REASON_CLEAN) << rule.name << ", byte " << byte.offset;
        }
        EXPECT_EQ(from(static_cast<std::uint16_t>(rule.port + 1), answer(rule)), GABION_REASON_CLEAN) << rule.name;
    }
}

TEST_F(Amplification, EthernetPaddingIsNoPayload) {
    const AmplifierRule rule = {
        "text", 3702, 64, 65535, {{0, 0xff, '<'}, {1, 0xff, '?'}, {2, 0xff, 'x'}, {3, 0xff, 'm'}, {4, 0xff, 'l'}}};
    Bytes frame = udp(eth / IPv4{}, 3702, own_port, answer(rule, 63));
    frame.resize(400);
    EXPECT_EQ(reason(frame), GABION_REASON_CLEAN);
    frame = udp(eth / IPv4{}, 3702, own_port, answer(rule, 64));
    frame.resize(400);
    EXPECT_EQ(reason(frame), GABION_REASON_AMPLIFICATION);
}

// Who asks our own servers from a port of the table does not answer.
TEST_F(Amplification, ClientsOfOurOwnServersAreNotHurt) {
    std::vector<std::uint8_t> dns = {0x12, 0x34, 1,   0,   0,   1,   0,   0, 0, 0, 0, 1, 7,
                                     'e',  'x',  'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1};
    dns.resize(60);
    EXPECT_EQ(reason(udp(eth / IPv4{}, 53, 53, dns)), GABION_REASON_CLEAN) << "a resolver that asks from port 53";
    for (const AmplifierRule& rule : built_in_amplifiers()) {
        if (rule.port < 1024) continue;  // no client has these
        EXPECT_EQ(reason(udp(eth / IPv4{}, rule.port, 53, dns)), GABION_REASON_CLEAN) << rule.name;
        EXPECT_EQ(reason(udp(eth / IPv6{}, rule.port, 53, dns)), GABION_REASON_CLEAN) << rule.name;
    }
    for (const auto mode : std::initializer_list<std::uint8_t>{1, 2, 3, 4}) {
        std::vector<std::uint8_t> ntp(48);
        ntp[0] = static_cast<std::uint8_t>(0x20 | mode);
        EXPECT_EQ(reason(udp(eth / IPv4{}, 123, 123, ntp)), GABION_REASON_CLEAN) << "NTP mode " << int{mode};
    }
    EXPECT_EQ(reason(udp(eth / IPv4{}, 123, 123, {0x16, 0x02, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})), GABION_REASON_CLEAN)
        << "an NTP control request";
    for (const auto version : std::initializer_list<std::uint8_t>{0x10, 0x20}) {
        std::vector<std::uint8_t> ike(200);
        ike[0] = 1;  // the initiator's cookie
        ike[16] = version == 0x10 ? 1 : 33;
        ike[17] = version;
        ike[18] = version == 0x10 ? 2 : 34;
        ike[19] = version == 0x10 ? 0 : 8;
        EXPECT_EQ(reason(udp(eth / IPv4{}, 500, 500, ike)), GABION_REASON_CLEAN) << "an initiator's first message";
        ike[8] = 1;
        EXPECT_EQ(reason(udp(eth / IPv4{}, 500, 500, ike)),
                  version == 0x10 ? GABION_REASON_AMPLIFICATION : GABION_REASON_CLEAN);
        std::vector<std::uint8_t> esp(120, 0x77);
        EXPECT_EQ(reason(udp(eth / IPv4{}, 4500, 4500, esp)), GABION_REASON_CLEAN) << "ESP in UDP";
    }
}

TEST_F(Amplification, AnswersToTheHostsOwnQuestionsPass) {
    const std::vector<std::uint8_t> dns = answer({"", 53, 100, 65535, {{2, 0x80, 0x80}}});
    for (const Packet& below : {eth / IPv4{}, eth / IPv6{}}) {
        const Bytes in = udp(below, 53, own_port, dns);
        vouch(in, GABION_FLOW_OWN, 3);
        for (int i = 0; i < 3; i++)
            EXPECT_EQ(reason(in), GABION_REASON_CLEAN);
        EXPECT_EQ(reason(in), GABION_REASON_AMPLIFICATION) << "more than was granted";
        vouch(in, GABION_FLOW_OWN, 3);
        EXPECT_EQ(reason(udp(below, 53, own_port + 1, dns)), GABION_REASON_AMPLIFICATION) << "another socket's";
    }
    EXPECT_EQ(reason(udp(eth / IPv4{.source = "192.0.2.2"}, 53, own_port, dns)), GABION_REASON_AMPLIFICATION);
    expect_agreement();
}

TEST_F(Amplification, WhoeverAnswersAQuestionToAGroupPasses) {
    const AmplifierRule ssdp = {"",
                                1900,
                                64,
                                65535,
                                {{0, 0xff, 'H'},
                                 {1, 0xff, 'T'},
                                 {2, 0xff, 'T'},
                                 {3, 0xff, 'P'},
                                 {4, 0xff, '/'},
                                 {5, 0xff, '1'},
                                 {6, 0xff, '.'}}};
    vouch(udp(eth / IPv4{}, 1900, own_port, answer(ssdp)), GABION_FLOW_OWN, 2, true);
    EXPECT_EQ(reason(udp(eth / IPv4{.source = "192.168.0.7"}, 1900, own_port, answer(ssdp))), GABION_REASON_CLEAN);
    EXPECT_EQ(reason(udp(eth / IPv4{.source = "192.168.0.8"}, 1900, own_port, answer(ssdp))), GABION_REASON_CLEAN);
    EXPECT_EQ(reason(udp(eth / IPv4{.source = "192.168.0.9"}, 1900, own_port, answer(ssdp))),
              GABION_REASON_AMPLIFICATION);
}

TEST_F(Amplification, WhatGoesToManyPasses) {
    for (const AmplifierRule& rule : built_in_amplifiers()) {
        EXPECT_EQ(reason(udp(eth / IPv4{.destination = "224.0.0.251"}, rule.port, 5353, answer(rule))),
                  GABION_REASON_CLEAN);
        EXPECT_EQ(reason(udp(eth / IPv4{.destination = "255.255.255.255"}, rule.port, 5353, answer(rule))),
                  GABION_REASON_CLEAN);
        EXPECT_EQ(reason(udp(eth / IPv6{.destination = "ff02::fb"}, rule.port, 5353, answer(rule))),
                  GABION_REASON_CLEAN);
        const Ethernet broadcast{.destination = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
        EXPECT_EQ(reason(udp(broadcast / IPv4{}, rule.port, 5353, answer(rule))), GABION_REASON_CLEAN);
    }
}

TEST_F(Amplification, LaterFragmentsGoWithTheirFirst) {
    const std::vector<std::uint8_t> dns = answer({"", 53, 64, 65535, {{2, 0x80, 0x80}}});
    const Packet first = eth / IPv4{.fragment = 0x2000},
                 later = eth / IPv4{.fragment = 185, .protocol = 17} / Payload{200};
    const auto numbered = [](Bytes frame, std::uint8_t id) {
        frame[14 + 5] = std::byte{id};
        return frame;
    };
    EXPECT_EQ(reason(later), GABION_REASON_CLEAN) << "its first was not seen";
    EXPECT_EQ(reason(udp(first, 53, own_port, dns)), GABION_REASON_AMPLIFICATION);
    EXPECT_EQ(reason(later), GABION_REASON_AMPLIFICATION);
    EXPECT_EQ(reason(numbered(later.bytes(), 9)), GABION_REASON_CLEAN) << "another datagram";
    EXPECT_EQ(reason(eth / IPv4{.source = "192.0.2.2", .fragment = 185, .protocol = 17} / Payload{200}),
              GABION_REASON_CLEAN);
    now_ += 250;
    EXPECT_EQ(reason(later), GABION_REASON_AMPLIFICATION);
    now_ += 1;
    EXPECT_EQ(reason(later), GABION_REASON_CLEAN) << "long ago";
    const Bytes asked = numbered(udp(first, 53, own_port, dns), 7);
    vouch(asked, GABION_FLOW_OWN, 1);
    EXPECT_EQ(reason(asked), GABION_REASON_CLEAN);
    EXPECT_EQ(reason(numbered(later.bytes(), 7)), GABION_REASON_CLEAN);
    const auto six = [](std::uint16_t fragment) {
        return eth / IPv6{} / Extension{.kind = 44, .fragment = fragment, .next = 17};
    };
    EXPECT_EQ(reason(udp(six(1), 53, own_port, dns)), GABION_REASON_AMPLIFICATION);
    EXPECT_EQ(reason(six(1480) / Payload{200}), GABION_REASON_AMPLIFICATION);
    expect_agreement();
}

TEST_F(Amplification, OwnRulesTakeThePlaceOfBuiltInOnesOfTheirName) {
    write(with_own_amplifiers({{"dns", 53, 200, 65535, {{2, 0x80, 0x80}}}, {"mine", 9999, 4, 100, {{0, 0xff, 0x42}}}}));
    EXPECT_EQ(from(53, answer({"", 53, 199, 65535, {{2, 0x80, 0x80}}})), GABION_REASON_CLEAN);
    EXPECT_EQ(from(53, answer({"", 53, 200, 65535, {{2, 0x80, 0x80}}})), GABION_REASON_AMPLIFICATION);
    EXPECT_EQ(from(9999, {0x42, 0, 0, 0}), GABION_REASON_AMPLIFICATION);
    EXPECT_EQ(from(19, {1}), GABION_REASON_AMPLIFICATION);
    write({});
    EXPECT_EQ(from(9999, {0x42, 0, 0, 0}), GABION_REASON_CLEAN);
}

TEST_F(Amplification, AllowedSourcesSkipItAndADryRunDropsNothing) {
    const std::vector<std::uint8_t> dns = answer({"", 53, 64, 65535, {{2, 0x80, 0x80}}});
    control().dry_run = 1;
    EXPECT_EQ(from(53, dns), GABION_REASON_DRY_RUN);
    control().dry_run = 0;
    allow("192.0.2.1", GABION_SKIP_VALIDATION);
    EXPECT_EQ(from(53, dns), GABION_REASON_CLEAN);
}

TEST_F(Amplification, ATrapIsNoAnswer) {
    const std::vector<std::uint8_t> trap(60, 0x30);
    EXPECT_EQ(reason(udp(eth / IPv4{}, 161, 162, trap)), GABION_REASON_CLEAN);
    EXPECT_EQ(reason(udp(eth / IPv4{}, 161, 163, trap)), GABION_REASON_AMPLIFICATION);
}

}  // namespace
}  // namespace gabion::test
