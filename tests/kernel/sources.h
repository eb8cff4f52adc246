// SPDX-License-Identifier: Apache-2.0
// What the tests of single sources' rates share: a flood that is on, limits, packets of sources, and connections of the host's.
#pragma once

#include <string>

#include "bpf/abi/source.h"
#include "bpf/lib/flood.h"
#include "bpf/lib/flow.h"
#include "bpf/lib/vouch.h"
#include "tests/kernel/homes.h"

namespace gabion::test {

struct SourcesWay {
    const char* name;
    bool v6;
    bool tagged;
};

class Sources : public Homes, public ::testing::WithParamInterface<SourcesWay> {
protected:
    static constexpr std::uint8_t syn = 2, ack = 16;
    static constexpr std::uint32_t sent = 0x51234567;   // the number of the host's last packet out
    static constexpr std::uint32_t taken = 0x81234567;  // what it acknowledged
    static constexpr std::uint32_t ticks = 250;         // a second
    static constexpr std::uint32_t far = 0x40000000;

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

}  // namespace gabion::test
