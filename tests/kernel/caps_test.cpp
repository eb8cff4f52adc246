// SPDX-License-Identifier: Apache-2.0
// The early trigger, and the caps for the whole host and for ports.
#include "bpf/abi/caps.h"

#include "bpf/abi/destination.h"
#include "bpf/abi/flow.h"
#include "bpf/lib/flood.h"
#include "bpf/lib/flow.h"
#include "tests/kernel/homes.h"

namespace gabion::test {
namespace {

const Ethernet eth{};
constexpr std::uint32_t lot = GABION_CAP_LOT;

class Rates : public Homes {
protected:
    void SetUp() override {
        Homes::SetUp();
        if (IsSkipped()) return;
        control().caps.flood_ticks = 100;
    }

    gabion_cell& cell(std::uint32_t index) { return host().values<gabion_cell>("cells")[index]; }

    // `ticks` between two lots, `lots` of them at once.
    void limit(std::uint32_t index, std::uint32_t ticks, std::uint32_t lots = 2) {
        cell(index).interval = ticks << 16;
        cell(index).burst = (lots - 1) * ticks << 16;
    }
    void trigger(gabion_flood_class kind, std::uint32_t ticks, std::uint32_t lots = 2) {
        limit(GABION_CELL_TRIGGER + static_cast<std::uint32_t>(kind), ticks, lots);
    }
    void cap(gabion_flood_class kind, std::uint32_t ticks, bool flood_only = false) {
        limit(GABION_CELL_CAP + static_cast<std::uint32_t>(kind), ticks);
        cell(GABION_CELL_CAP + static_cast<std::uint32_t>(kind)).flood_only = flood_only;
        if (!flood_only) control().caps.whole_way |= 1u << kind;
    }
    void cap_port(bool udp, std::uint16_t port, std::uint32_t number, std::uint32_t ticks) {
        limit(GABION_CELL_PORT + number, ticks);
        const std::size_t place = (udp ? 65536u : 0u) + port;
        host().values<std::uint64_t>("port_rules")[place / 4] |= (number + 1ull) << place % 4 * 16;
        control().caps.ports++;
        control().caps.whole_way |= udp ? 1u << GABION_FLOOD_UDP : 1u << GABION_FLOOD_TCP | 1u << GABION_FLOOD_SYN;
    }

    bool on(gabion_flood_class kind) { return gabion_flood_of(&control(), kind, now_) != 0; }
};

struct Kind {
    const char* description;
    gabion_flood_class kind;
    Packet packet;
};

std::vector<Kind> kinds() {
    const IPv4 four{};
    const IPv6 six{};
    return {{"TCP", GABION_FLOOD_TCP, eth / four / TCP{}},
            {"TCP, v6", GABION_FLOOD_TCP, eth / six / TCP{}},
            {"TCP behind a tag", GABION_FLOOD_TCP, eth / Vlan{} / four / TCP{}},
            {"FIN", GABION_FLOOD_TCP, eth / four / TCP{.flags = 0x11}},
            {"RST, v6", GABION_FLOOD_TCP, eth / six / TCP{.flags = 0x04}},
            {"SYN-ACK", GABION_FLOOD_TCP, eth / four / TCP{.flags = 0x12}},
            {"SYN", GABION_FLOOD_SYN, eth / four / TCP{.flags = 0x02}},
            {"SYN, v6, behind a tag", GABION_FLOOD_SYN, eth / Vlan{} / six / TCP{.flags = 0x02}},
            {"UDP", GABION_FLOOD_UDP, eth / four / UDP{}},
            {"UDP, v6", GABION_FLOOD_UDP, eth / six / UDP{}},
            {"UDP with options", GABION_FLOOD_UDP, eth / IPv4{.option_bytes = 4} / UDP{}},
            {"later fragment of UDP", GABION_FLOOD_UDP, eth / IPv4{.fragment = 185, .protocol = 17} / Payload{40}},
            {"ICMP", GABION_FLOOD_ICMP, eth / four / ICMP{}},
            {"ICMPv6", GABION_FLOOD_ICMP, eth / six / ICMP{.type = 128}},
            {"GRE", GABION_FLOOD_OTHER, eth / IPv4{.protocol = 47} / Payload{40}}};
}

TEST_F(Rates, EveryPacketIsCountedInItsClassAndRaisesItsFlood) {
    for (const Kind& one : kinds()) {
        host().control().flood = {};
        for (std::uint32_t i = 0; i < GABION_FLOOD_CLASSES; i++)
            cell(i).interval = 0;
        trigger(one.kind, 1000);
        now_ += 10'000;
        cpu().lot[one.kind] = 0;
        for (std::uint32_t i = 0; i < 2 * lot; i++)
            EXPECT_EQ(reason(one.packet), GABION_REASON_CLEAN) << one.description;
        EXPECT_FALSE(on(one.kind)) << one.description << ": two lots are within the rate";
        reason(one.packet);
        EXPECT_TRUE(on(one.kind)) << one.description << ": the next packet is not";
        for (int other = 0; other < GABION_FLOOD_CLASSES; other++)
            EXPECT_EQ(on(static_cast<gabion_flood_class>(other)), other == one.kind) << one.description;
        expect_agreement();
    }
}

TEST_F(Rates, WithoutALearnedRateNothingIsRaised) {
    for (const Kind& one : kinds())
        passed(one.packet, 300);
    for (int kind = 0; kind < GABION_FLOOD_CLASSES; kind++)
        EXPECT_FALSE(on(static_cast<gabion_flood_class>(kind)));
    EXPECT_EQ(control().flood.any, 0u);
}

TEST_F(Rates, WhatIsBannedMalformedOrQuarantinedIsNotCounted) {
    put(GABION_SET_OPERATOR, "192.0.2.66");
    quarantine("192.0.2.67");
    trigger(GABION_FLOOD_UDP, 1000);
    for (const char* source : {"192.0.2.66", "192.0.2.67"})
        EXPECT_EQ(passed(eth / IPv4{.source = source} / UDP{}, 200), 0) << source;
    EXPECT_FALSE(on(GABION_FLOOD_UDP));
    EXPECT_EQ(cpu().lots.counted[GABION_FLOOD_UDP], 0u);
}

// Of 3,000 packets within two ticks, as a short burst of ten times the rate, all but what the trigger lets go meets the cap.
TEST_F(Rates, ABurstShorterThanAnyDetectionWindowDoesNotPassWhole) {
    trigger(GABION_FLOOD_UDP, 1, 5);
    cap(GABION_FLOOD_UDP, 4, true);
    int through = 0;
    for (int tick = 0; tick < 2; tick++, now_++)
        through += passed(eth / IPv4{} / UDP{}, 1500);
    EXPECT_GT(through, static_cast<int>(5 * lot));
    EXPECT_LE(through, static_cast<int>((6 + 2 + 2) * lot));
}

TEST_F(Rates, AttackStateIsClearedWhenTheFloodIsOver) {
    trigger(GABION_FLOOD_UDP, 10);
    cap(GABION_FLOOD_UDP, 1000, true);
    const Packet packet = eth / IPv4{} / UDP{};
    passed(packet, 500);
    ASSERT_TRUE(on(GABION_FLOOD_UDP));
    // while it goes on it stays on, though hardly anything passes
    for (int tick = 0; tick < 300; tick++, now_++) {
        passed(packet, 16);
        ASSERT_TRUE(on(GABION_FLOOD_UDP)) << tick;
    }
    EXPECT_EQ(reason(packet), GABION_REASON_CAP_UDP);
    now_ += 100;
    EXPECT_FALSE(on(GABION_FLOOD_UDP)) << "nothing for the flood's time";
    EXPECT_EQ(reason(packet), GABION_REASON_CLEAN);
    for (int tick = 0; tick < 300; tick++, now_++)
        EXPECT_EQ(passed(packet, 2), 2) << "below the rate nothing happens any more";
}

TEST_F(Rates, CapsHoldJustBelowAndJustAbove) {
    struct Case {
        gabion_flood_class kind;
        gabion_reason reason;
    };
    for (const auto& [kind, above] : {Case{GABION_FLOOD_UDP, GABION_REASON_CAP_UDP},
                                      {GABION_FLOOD_ICMP, GABION_REASON_CAP_ICMP},
                                      {GABION_FLOOD_SYN, GABION_REASON_CAP_SYN}}) {
        for (const Kind& one : kinds()) {
            if (one.kind != kind) continue;
            host().control().caps.whole_way = 0;
            cap(kind, 8);
            now_ += 10'000;
            cpu().lots.cell[GABION_CELL_CAP + static_cast<std::uint32_t>(kind)] = 0;
            EXPECT_EQ(passed(one.packet, 2 * lot), static_cast<int>(2 * lot)) << one.description;
            EXPECT_EQ(reason(one.packet), above) << one.description;
            int through = 0;
            for (int tick = 0; tick < 80; tick++, now_++)
                through += passed(one.packet, 8);
            EXPECT_NEAR(through, 10 * lot, lot) << one.description;
            cell(GABION_CELL_CAP + static_cast<std::uint32_t>(kind)).interval = 0;
        }
    }
    EXPECT_EQ(passed(eth / IPv4{} / TCP{}, 200), 200) << "no cap for established TCP";
    expect_agreement();
}

TEST_F(Rates, ACapOfAFloodHoldsOnlyWhileItIsOn) {
    cap(GABION_FLOOD_SYN, 1000, true);
    const Packet syn = eth / IPv4{} / TCP{.flags = 0x02};
    EXPECT_EQ(passed(syn, 300), 300);
    gabion_flood_raise(&control(), GABION_FLOOD_UDP, now_, 50);
    EXPECT_EQ(passed(syn, 300), 300) << "a flood of another class";
    gabion_flood_raise(&control(), GABION_FLOOD_SYN, now_, 50);
    EXPECT_EQ(passed(syn, 300), static_cast<int>(2 * lot));
    now_ += 50;
    EXPECT_EQ(passed(syn, 300), 300);
}

TEST_F(Rates, PortsHaveCapsOfTheirOwn) {
    cap_port(true, 53, 0, 1000);
    cap_port(false, 53, 1, 1000);
    cap_port(true, 65535, 63, 1000);
    const Packet dns = eth / IPv4{} / UDP{.dport = 53}, dns6 = eth / IPv6{} / UDP{.dport = 53},
                 last = eth / Vlan{} / IPv4{} / UDP{.dport = 65535}, tcp = eth / IPv6{} / TCP{.dport = 53};
    EXPECT_EQ(passed(dns, 2 * lot), static_cast<int>(2 * lot));
    EXPECT_EQ(reason(dns), GABION_REASON_CAP_PORT);
    EXPECT_EQ(reason(dns6), GABION_REASON_CAP_PORT) << "one port, whatever the family";
    EXPECT_EQ(passed(last, 300), static_cast<int>(2 * lot));
    EXPECT_EQ(passed(tcp, 300), static_cast<int>(2 * lot)) << "TCP's port is another one";
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{52, 54, 1, 65534})
        EXPECT_EQ(passed(eth / IPv4{} / UDP{.dport = port}, 300), 300) << port;
    expect_agreement();
}

// A place for every port: 65,536 others fill nothing and push nothing out.
TEST_F(Rates, SprayingPortsDoesNotDisarmTheCapOfAPort) {
    cap_port(true, 53, 0, 60'000);
    const Packet dns = eth / IPv4{} / UDP{.dport = 53};
    passed(dns, 2 * lot);
    for (std::uint32_t port = 0; port < 65536; port += 7)
        if (port != 53) run((eth / IPv4{} / UDP{.dport = static_cast<std::uint16_t>(port)}).bytes());
    EXPECT_EQ(passed(dns, 100), 0);
}

// One packet to each port stays under every port's cap; the class sees all of them.
TEST_F(Rates, CarpetBombingUnderEveryPortsCapMeetsTheCapOfItsClass) {
    for (std::uint32_t number = 0; number < GABION_CAP_PORTS_MAX; number++)
        cap_port(true, static_cast<std::uint16_t>(1000 + number), number, 1);
    trigger(GABION_FLOOD_UDP, 10);
    cap(GABION_FLOOD_UDP, 1000, true);
    std::uint64_t capped = 0;
    for (std::uint32_t i = 0; i < 1000; i++) {
        const auto seen = reason(eth / IPv4{} / UDP{.dport = static_cast<std::uint16_t>(1000 + i % 2000)});
        EXPECT_NE(seen, GABION_REASON_CAP_PORT);
        capped += seen == GABION_REASON_CAP_UDP;
    }
    EXPECT_TRUE(on(GABION_FLOOD_UDP));
    EXPECT_GT(capped, 800u);
}

// Each CPU's lots come from one cell: four CPUs pass what one would, and every packet is counted.
TEST_F(Rates, NothingIsLostBetweenCpus) {
    cap_port(true, 53, 0, 1000);
    trigger(GABION_FLOOD_UDP, 1000, 4);
    const Packet dns = eth / IPv4{} / UDP{.dport = 53};
    std::array<gabion_cpu, 4> cpus{};
    cpus.fill(cpu());
    int through = 0;
    for (int i = 0; i < 400; i++) {
        cpu() = cpus[static_cast<std::size_t>(i) % 4];
        through += passed(dns, 1);
        cpus[static_cast<std::size_t>(i) % 4] = cpu();
    }
    EXPECT_EQ(through, static_cast<int>(2 * lot)) << "two lots, whoever took them";
    std::uint64_t seen = 0;
    for (const gabion_cpu& one : cpus)
        seen += one.lots.counted[GABION_FLOOD_UDP] * lot - one.lot[GABION_FLOOD_UDP];
    EXPECT_EQ(seen, 400u);
}

TEST_F(Rates, CapsSpareWhatIsVouchedForKnownAllowedOrKeepsTheNetworkRunning) {
    cap(GABION_FLOOD_UDP, 60'000);
    cap(GABION_FLOOD_ICMP, 60'000);
    passed(eth / IPv4{} / UDP{}, 300);
    passed(eth / IPv4{} / ICMP{}, 300);
    remember("203.0.113.8");
    allow("203.0.113.9", GABION_SKIP_RATES);
    allow("203.0.113.10", GABION_SKIP_BANS);
    EXPECT_EQ(passed(eth / IPv4{.source = "203.0.113.8"} / UDP{}, 100), 100);
    EXPECT_EQ(passed(eth / IPv4{.source = "203.0.113.9"} / UDP{}, 100), 100);
    EXPECT_EQ(passed(eth / IPv4{.source = "203.0.113.10"} / UDP{}, 100), 0);
    const Packet answer = eth / IPv4{.source = "203.0.113.11"} / UDP{.sport = 53, .dport = 40000};
    vouch(answer, GABION_FLOW_OWN, 7);
    EXPECT_EQ(passed(answer, 100), 7);
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{67, 68, 520, 546, 547, 3784})
        EXPECT_EQ(passed(eth / IPv6{.source = "2001:db8::55"} / UDP{.dport = port}, 20), 20) << port;
    for (const std::uint8_t type : std::initializer_list<std::uint8_t>{133, 134, 135, 136, 137})
        EXPECT_EQ(passed(eth / IPv6{.hop_limit = 255} / ICMP{.type = type}, 20), 20) << "neighbour discovery";
    EXPECT_EQ(passed(eth / IPv6{.hop_limit = 255} / ICMP{.type = 128}, 20), 0);
    EXPECT_EQ(passed(eth / IPv4{.protocol = 89} / Payload{40}, 20), 20) << "OSPF";
}

// No port, high or low, at either end, is a way past a cap; what keeps the network running has a rate of its own.
TEST_F(Rates, NoPortIsABypass) {
    cap(GABION_FLOOD_UDP, 60'000);
    passed(eth / IPv4{} / UDP{}, 300);
    limit(GABION_CELL_CONTROL, 60'000);
    passed(eth / IPv4{} / UDP{.dport = 67}, 300);
    const std::uint32_t step = static_cast<std::uint32_t>(rounds(17, 1));
    for (std::uint32_t port = 1; port < 65536; port += step) {
        const auto number = static_cast<std::uint16_t>(port);
        EXPECT_EQ(passed(eth / IPv4{} / UDP{.dport = number}, 1), 0) << "to port " << port;
        EXPECT_EQ(passed(eth / IPv6{} / UDP{.sport = number}, 1), 0) << "from port " << port;
    }
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{67, 68, 520, 546, 547, 3784})
        EXPECT_EQ(passed(eth / IPv4{} / UDP{.dport = port}, 20), 0) << port;
}

TEST_F(Rates, WhatKeepsTheNetworkRunningGoesPastCapsAtItsRate) {
    cap(GABION_FLOOD_UDP, 60'000);
    passed(eth / IPv4{} / UDP{}, 300);
    limit(GABION_CELL_CONTROL, 10'000, 3);
    const Packet bfd = eth / IPv4{.ttl = 255} / UDP{.dport = 3784};
    EXPECT_EQ(passed(bfd, 3 * lot), static_cast<int>(3 * lot));
    EXPECT_EQ(passed(bfd, 100), 0);
}

// Everything that is sampled or not, handed over or not, has met the cap before.
TEST_F(Rates, ACapBehindTheSamplerWouldSeeAFewPacketsThisOneSeesAll) {
    control().sampling = {.one_in = 256, .budget = 1, .period_ticks = 25, .reserved = 0};
    employ();
    cap(GABION_FLOOD_UDP, 60'000);
    int above = 0;
    for (int i = 0; i < 2000; i++) {
        const gabion_reason told = reason(eth / IPv4{} / UDP{});
        above += told == GABION_REASON_CAP_UDP || told == GABION_REASON_INSPECTED;
    }
    EXPECT_EQ(above, 2000 - static_cast<int>(2 * lot));
}

// What a cap drops is drawn like what passes, or the detectors would not see a flood that is held; a worker drops it once it has looked.
// Without a worker, or one with room, it is dropped here.
TEST_F(Rates, TheDetectorsSeeWhatACapDrops) {
    cap(GABION_FLOOD_UDP, 60'000);
    control().sampling = {.one_in = 1, .budget = 1'000'000, .period_ticks = 25, .reserved = 0};
    const Packet packet = eth / IPv4{} / UDP{};
    for (std::uint32_t i = 0; i < 2 * lot; i++)
        EXPECT_EQ(reason(packet), GABION_REASON_HANDOVER_NO_WORKER) << "below the cap";
    EXPECT_EQ(reason(packet), GABION_REASON_CAP_UDP) << "nobody to look at it";
    employ(3);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(reason(packet), GABION_REASON_INSPECTED);
    EXPECT_EQ(reason(packet), GABION_REASON_CAP_UDP) << "the worker has its hands full";
    employ(1000);
    control().dry_run = 1;
    EXPECT_EQ(reason(packet), GABION_REASON_DRY_RUN) << "it must not come to a worker that would drop it";
}

// All times of the stage are the kernel's ticks, of 32 bits, across their wrap.
TEST_F(Rates, OneClockAcrossTheWrapOfTicks) {
    now_ = 0xffffff00u;
    trigger(GABION_FLOOD_UDP, 8);
    cap(GABION_FLOOD_UDP, 8, true);
    const Packet packet = eth / IPv4{} / UDP{};
    for (int tick = 0; tick < 512; tick++, now_++)
        EXPECT_EQ(passed(packet, 4), 4) << "exactly at the rate, at " << now_;
    EXPECT_FALSE(on(GABION_FLOOD_UDP));
    for (int tick = 0; tick < 64; tick++, now_++)
        passed(packet, 8);
    EXPECT_TRUE(on(GABION_FLOOD_UDP));
}

TEST_F(Rates, ADryRunCountsAndDropsNothing) {
    control().dry_run = 1;
    trigger(GABION_FLOOD_UDP, 1000);
    cap(GABION_FLOOD_UDP, 1000, true);
    EXPECT_EQ(passed(eth / IPv4{} / UDP{}, 500), 500);
    EXPECT_TRUE(on(GABION_FLOOD_UDP));
    EXPECT_EQ(reason(eth / IPv4{} / UDP{}), GABION_REASON_DRY_RUN);
    EXPECT_GT(cpu().would_drop[GABION_REASON_CAP_UDP].packets, 300u);
}

TEST_F(Rates, SwitchedOffNothingIsCountedOrCapped) {
    host().settings().features &= ~GABION_FEATURE_CAPS;
    trigger(GABION_FLOOD_UDP, 1000);
    cap(GABION_FLOOD_UDP, 1000);
    EXPECT_EQ(passed(eth / IPv4{} / UDP{}, 500), 500);
    EXPECT_EQ(control().flood.any, 0u);
}

}  // namespace
}  // namespace gabion::test
