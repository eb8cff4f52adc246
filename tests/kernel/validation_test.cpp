// SPDX-License-Identifier: Apache-2.0
// Validation, in both homes: each check just inside and just outside its limits, what a link needs to run, and small spaces whole.
#include <arpa/inet.h>

#include "bpf/lib/parse_l4.h"
#include "tests/kernel/homes.h"

namespace gabion::test {
namespace {

const Ethernet eth{};
constexpr std::uint32_t all_checks = GABION_CHECKS_DEFAULT | GABION_CHECK_PRIVATE | GABION_CHECK_RESERVED;

struct Case {
    const char* what;
    Packet packet;
    gabion_reason reason;
};

class Validation : public Homes {
protected:
    void SetUp() override {
        Homes::SetUp();
        host().settings().features &= ~GABION_FEATURE_SAMPLER;  // which would want to hand over what is odd
    }

    void check(std::uint32_t checks) {
        host().settings().checks = checks;
        kernel_.reset();  // fixed at load
    }

    // Everywhere a packet can come from: plain, behind one tag and two, and with the way through the front barred.
    gabion_reason from(const std::string& source) {
        const bool six = source.find(':') != std::string::npos;
        const auto behind = [&](const Packet& link) {
            return six ? link / IPv6{.source = source, .destination = "2a00::9"} / TCP{}
                       : link / IPv4{.source = source, .destination = "20.0.0.9"} / TCP{};
        };
        const gabion_reason plain = reason(behind(Packet(eth)));
        EXPECT_EQ(reason(behind(eth / Vlan{})), plain) << source << " behind a tag";
        EXPECT_EQ(reason(behind(eth / Vlan{.tpid = 0x88a8} / Vlan{})), plain) << source << " behind two tags";
        const Packet options =
            six ? eth / IPv6{.source = source, .destination = "2a00::9"} / Extension{.kind = 60} / TCP{}
                : eth / IPv4{.source = source, .destination = "20.0.0.9", .option_bytes = 4} / TCP{};
        EXPECT_EQ(reason(options), plain) << source << " with options";
        return plain;
    }

    void expect_sources(gabion_reason wanted, std::initializer_list<const char*> sources) {
        for (const char* source : sources)
            EXPECT_EQ(from(source), wanted) << source;
    }

    void expect_each(const std::vector<Case>& cases) {
        for (const Case& one : cases)
            EXPECT_EQ(reason(one.packet), one.reason) << one.what;
    }
};

TEST_F(Validation, BogonsAreDropped) {
    expect_sources(GABION_REASON_BOGON_SOURCE,
                   {"0.0.0.0", "0.0.0.1", "0.255.255.255", "127.0.0.0", "127.0.0.1", "127.255.255.255", "224.0.0.0",
                    "239.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.255.255", "::", "::1",
                    "ff00::", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"});
    expect_sources(GABION_REASON_CLEAN,
                   {"1.0.0.0", "126.255.255.255", "128.0.0.0", "223.255.255.255", "::2", "fe00::1", "feff::1", "100::1",
                    "64:ff9b::20.0.0.1", "10.0.0.1", "192.168.0.1", "203.0.113.1", "2001:db8::1", "fe80::1"});
    expect_agreement();
}

TEST_F(Validation, AMappedAddressIsOneOnlyAtItsOwnSixteenBits) {
    expect_sources(GABION_REASON_BOGON_SOURCE,
                   {"::ffff:0.0.0.0", "::ffff:20.0.0.1", "::ffff:10.0.0.1", "::ffff:255.255.255.255"});
    expect_sources(GABION_REASON_CLEAN,
                   {"::ffff:0:20.0.0.1", "0:0:0:ffff::20.0.0.1", "::fffe:20.0.0.1", "0:0:0:0:1:ffff:20.0.0.1",
                    "::1:20.0.0.1", "0:0:0:1:0:ffff:20.0.0.1", "1::ffff:20.0.0.1", "::20.0.0.1"});
}

TEST_F(Validation, PrivateSourcesOnlyWhenAskedFor) {
    const auto edges = {"10.0.0.0",        "10.255.255.255", "172.16.0.0",      "172.31.255.255", "192.168.0.0",
                        "192.168.255.255", "100.64.0.0",     "100.127.255.255", "169.254.0.0",    "169.254.255.255",
                        "fc00::",          "fdff:ffff::1",   "fe80::1",         "febf:ffff::1"};
    expect_sources(GABION_REASON_CLEAN, edges);
    check(GABION_CHECKS_DEFAULT | GABION_CHECK_PRIVATE);
    expect_sources(GABION_REASON_PRIVATE_SOURCE, edges);
    expect_sources(GABION_REASON_CLEAN,
                   {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
                    "100.63.255.255", "100.128.0.0", "169.253.255.255", "169.255.0.0", "fbff::1", "fe00::1", "fe7f::1",
                    "fec0::1", "203.0.113.1", "2001:db8::1"});
}

TEST_F(Validation, ReservedSourcesOnlyWhenAskedFor) {
    const auto edges = {"192.0.2.0",     "192.0.2.255", "198.51.100.0",   "198.51.100.255",  "203.0.113.0",
                        "203.0.113.255", "198.18.0.0",  "198.19.255.255", "2001:db8::",      "2001:db8:ffff:ffff::1",
                        "3fff::",        "3fff:fff::1", "2001:2::1",      "2001:2:0:ffff::1"};
    expect_sources(GABION_REASON_CLEAN, edges);
    check(GABION_CHECKS_DEFAULT | GABION_CHECK_RESERVED);
    expect_sources(GABION_REASON_RESERVED_SOURCE, edges);
    expect_sources(GABION_REASON_CLEAN,
                   {"192.0.1.255", "192.0.3.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0",
                    "198.17.255.255", "198.20.0.0", "2001:db7:ffff::1", "2001:db9::", "3ffe:ffff::1", "3fff:1000::1",
                    "2001:2:1::1", "2001:1::1", "10.0.0.1"});
}

// What a link and its hosts need before anything else works, from every address that it may come from.
std::vector<Case> needs_of_a_link() {
    const auto dhcp4 = [](const char* from, const char* to, std::uint16_t sport, std::uint16_t dport) {
        return eth / IPv4{.source = from, .destination = to} / UDP{.sport = sport, .dport = dport} / Payload{240};
    };
    const auto igmp = [](const char* from, const char* to) {
        return eth / IPv4{.source = from, .destination = to, .ttl = 1, .option_bytes = 4, .protocol = 2} / Payload{8};
    };
    const auto mld = [](const char* from, const char* to, std::uint8_t type) {
        return eth / IPv6{.source = from, .destination = to, .hop_limit = 1} / Extension{.kind = 0, .next = 58} /
               ICMP{.type = type} / Payload{20};
    };
    const auto nd = [](const char* from, const char* to, std::uint8_t type) {
        return eth / IPv6{.source = from, .destination = to, .hop_limit = 255} / ICMP{.type = type} / Payload{16};
    };
    const auto dhcp6 = [](const char* from, const char* to, std::uint16_t sport, std::uint16_t dport) {
        return eth / IPv6{.source = from, .destination = to} / UDP{.sport = sport, .dport = dport} / Payload{60};
    };
    std::vector<Case> cases = {
        {"ARP", Ethernet{.type = 0x0806} / Payload{46}, GABION_REASON_NOT_IP},
        {"DHCP: a host without an address", dhcp4("0.0.0.0", "255.255.255.255", 68, 67), GABION_REASON_CLEAN},
        {"DHCP: a private server's broadcast", dhcp4("192.168.0.1", "255.255.255.255", 67, 68), GABION_REASON_CLEAN},
        {"DHCP: a private server's answer", dhcp4("10.0.0.1", "20.0.0.9", 67, 68), GABION_REASON_CLEAN},
        {"DHCP: a private client renews", dhcp4("10.0.0.7", "20.0.0.9", 68, 67), GABION_REASON_CLEAN},
        {"IGMP from 0.0.0.0", igmp("0.0.0.0", "224.0.0.22"), GABION_REASON_CLEAN},
        {"IGMP query from 0.0.0.0", igmp("0.0.0.0", "224.0.0.1"), GABION_REASON_CLEAN},
        {"IGMP report of a private host", igmp("192.168.0.7", "239.1.2.3"), GABION_REASON_CLEAN},
        {"duplicate address detection", nd("::", "ff02::1:ff00:9", 135), GABION_REASON_NEIGHBOUR},
        {"router solicitation", nd("::", "ff02::2", 133), GABION_REASON_NEIGHBOUR},
        {"neighbour solicitation", nd("fe80::1", "ff02::1:ff00:9", 135), GABION_REASON_NEIGHBOUR},
        {"neighbour advertisement", nd("fe80::1", "2a00::9", 136), GABION_REASON_NEIGHBOUR},
        {"router advertisement", nd("fe80::1", "ff02::1", 134), GABION_REASON_NEIGHBOUR},
        {"redirect", nd("fe80::1", "2a00::9", 137), GABION_REASON_NEIGHBOUR},
        {"DHCPv6: a client", dhcp6("fe80::7", "ff02::1:2", 546, 547), GABION_REASON_CLEAN},
        {"DHCPv6: a server", dhcp6("fe80::1", "fe80::7", 547, 546), GABION_REASON_CLEAN},
    };
    for (const auto type : std::initializer_list<std::uint8_t>{130, 131, 132, 143})
        for (const char* source : {"::", "fe80::7"})
            cases.push_back({"MLD", mld(source, "ff02::16", type), GABION_REASON_CLEAN});
    return cases;
}

TEST_F(Validation, HarmlessToArpNdpDhcpIgmpAndMld) { expect_each(needs_of_a_link()); }

TEST_F(Validation, NdpIsNotDroppedAsPrivateSource) {
    check(all_checks);
    expect_each(needs_of_a_link());
    // and within the link, what its own routers say to each other
    expect_each({{"OSPFv3", eth / IPv6{.source = "fe80::1", .destination = "ff02::5", .next = 89} / Payload{36},
                  GABION_REASON_CLEAN},
                 {"RIPng", eth / IPv6{.source = "fe80::1", .destination = "ff02::9"} / UDP{.sport = 521, .dport = 521},
                  GABION_REASON_CLEAN}});
}

TEST_F(Validation, SparesNothingThatOnlyLooksLikeIt) {
    check(all_checks);
    expect_each({
        {"DHCP to one host", eth / IPv4{.source = "0.0.0.0", .destination = "20.0.0.9"} / UDP{.sport = 68, .dport = 67},
         GABION_REASON_BOGON_SOURCE},
        {"a server without an address",
         eth / IPv4{.source = "0.0.0.0", .destination = "255.255.255.255"} / UDP{.sport = 67, .dport = 68},
         GABION_REASON_BOGON_SOURCE},
        {"an address in 0/8",
         eth / IPv4{.source = "0.0.0.1", .destination = "255.255.255.255"} / UDP{.sport = 68, .dport = 67},
         GABION_REASON_BOGON_SOURCE},
        {"the same ports over TCP",
         eth / IPv4{.source = "10.0.0.1", .destination = "20.0.0.9"} / TCP{.sport = 67, .dport = 68},
         GABION_REASON_PRIVATE_SOURCE},
        {"a solicitation from elsewhere",
         eth / IPv6{.source = "::", .destination = "ff02::1", .hop_limit = 64} / ICMP{.type = 135} / Payload{16},
         GABION_REASON_BOGON_SOURCE},
        {"MLD to one host", eth / IPv6{.source = "::", .destination = "2a00::9"} / ICMP{.type = 131} / Payload{16},
         GABION_REASON_BOGON_SOURCE},
        {"link-local, to beyond the link", eth / IPv6{.source = "fe80::1", .destination = "2a00::9"} / UDP{},
         GABION_REASON_PRIVATE_SOURCE},
        {"private, to a group that is routed", eth / IPv4{.source = "10.0.0.1", .destination = "239.0.0.1"} / UDP{},
         GABION_REASON_PRIVATE_SOURCE},
    });
}

TEST_F(Validation, LandIsDropped) {
    expect_each({
        {"v4", eth / IPv4{.source = "20.0.0.9", .destination = "20.0.0.9"} / TCP{.flags = 2}, GABION_REASON_LAND},
        {"v4, UDP, behind a tag", eth / Vlan{} / IPv4{.source = "20.0.0.9", .destination = "20.0.0.9"} / UDP{},
         GABION_REASON_LAND},
        {"v4, ICMP", eth / IPv4{.source = "20.0.0.9", .destination = "20.0.0.9"} / ICMP{}, GABION_REASON_LAND},
        {"v6", eth / IPv6{.source = "2a00::9", .destination = "2a00::9"} / TCP{.flags = 2}, GABION_REASON_LAND},
        {"v4, a neighbour", eth / IPv4{.source = "20.0.0.8", .destination = "20.0.0.9"} / TCP{}, GABION_REASON_CLEAN},
    });
    const std::string other[] = {"2a01::9", "2a00:1::9", "2a00:0:0:1::9", "2a00::1:0:0:9", "2a00::1:9", "2a00::8"};
    for (const std::string& source : other)
        EXPECT_EQ(reason(eth / IPv6{.source = source, .destination = "2a00::9"} / TCP{}), GABION_REASON_CLEAN)
            << source;
    check(GABION_CHECKS_DEFAULT & ~GABION_CHECK_LAND);
    EXPECT_EQ(reason(eth / IPv4{.source = "20.0.0.9", .destination = "20.0.0.9"} / TCP{}), GABION_REASON_CLEAN);
}

TEST_F(Validation, EveryCombinationOfTcpFlags) {
    for (unsigned flags = 0; flags < 256; flags++) {
        const bool fin = flags & 1, syn = flags & 2, rst = flags & 4, ack = flags & 16;
        const bool bogus =
            (!fin && !syn && !rst && !ack) || (syn && fin) || (syn && rst) || (fin && rst) || (fin && !ack);
        const TCP tcp{.flags = static_cast<std::uint8_t>(flags)};
        const gabion_reason wanted = bogus ? GABION_REASON_TCP_FLAGS : GABION_REASON_CLEAN;
        EXPECT_EQ(reason(eth / IPv4{} / tcp), wanted) << flags;
        EXPECT_EQ(reason(eth / IPv6{} / tcp), wanted) << flags;
        EXPECT_EQ(reason(eth / Vlan{} / IPv6{} / Extension{.kind = 0} / tcp), wanted) << flags;
        EXPECT_EQ(reason(eth / IPv4{.fragment = 0x2000} / tcp / Payload{8}), wanted) << flags;
    }
    host().settings().features |= GABION_FEATURE_SAMPLER;
    check(GABION_CHECKS_DEFAULT & ~GABION_CHECK_TCP_FLAGS);
    employ();
    EXPECT_EQ(reason(eth / IPv4{} / TCP{.flags = 3}), GABION_REASON_SUSPICIOUS) << "not dropped, but worth a look";
    EXPECT_EQ(reason(eth / IPv4{} / TCP{.flags = 0}), GABION_REASON_SUSPICIOUS);
}

TEST_F(Validation, MoreThanFourExtensionHeadersDoNotEvadeTheL4Checks) {
    for (int headers = 0; headers <= GABION_IPV6_EXTENSIONS_MAX + 1; headers++) {
        Packet packet = eth / IPv6{};
        for (int i = 0; i < headers; i++)
            packet = packet / Extension{.kind = i == 0 ? std::uint8_t{0} : std::uint8_t{60}};
        const bool readable = headers <= GABION_IPV6_EXTENSIONS_MAX;
        EXPECT_EQ(reason(packet / TCP{.flags = 0}), readable ? GABION_REASON_TCP_FLAGS : GABION_REASON_IPV6_CHAIN);
        EXPECT_EQ(reason(packet / UDP{.dport = 0}), readable ? GABION_REASON_PORT_ZERO : GABION_REASON_IPV6_CHAIN);
    }
}

TEST_F(Validation, ADataOffsetOfZeroIsMalformed) {
    for (std::uint8_t words = 0; words < 5; words++) {
        EXPECT_EQ(reason(eth / IPv4{} / TCP{.words = words} / Payload{40}), GABION_REASON_MALFORMED_TCP);
        EXPECT_EQ(reason(eth / IPv6{} / TCP{.words = words} / Payload{40}), GABION_REASON_MALFORMED_TCP);
    }
}

TEST_F(Validation, PortZero) {
    expect_each({
        {"TCP from 0", eth / IPv4{} / TCP{.sport = 0}, GABION_REASON_PORT_ZERO},
        {"TCP to 0", eth / IPv6{} / TCP{.dport = 0}, GABION_REASON_PORT_ZERO},
        {"UDP to 0", eth / Vlan{} / IPv4{} / UDP{.dport = 0}, GABION_REASON_PORT_ZERO},
        {"UDP to 0, v6", eth / IPv6{} / UDP{.dport = 0}, GABION_REASON_PORT_ZERO},
        {"UDP from 0: wants no answer", eth / IPv4{} / UDP{.sport = 0}, GABION_REASON_CLEAN},
        {"UDP from 0, v6", eth / IPv6{} / UDP{.sport = 0}, GABION_REASON_CLEAN},
        {"TCP from 1 to 1", eth / IPv4{} / TCP{.sport = 1, .dport = 1}, GABION_REASON_CLEAN},
        {"TCP from 256 to 256", eth / IPv4{} / TCP{.sport = 256, .dport = 256}, GABION_REASON_CLEAN},
        {"UDP to 256", eth / IPv6{} / UDP{.dport = 256}, GABION_REASON_CLEAN},
        {"echo with identifier 0", eth / IPv4{} / ICMP{.identifier = 0}, GABION_REASON_CLEAN},
        {"a later fragment, which has no ports", eth / IPv4{.fragment = 185, .protocol = 17} / Payload{40},
         GABION_REASON_CLEAN},
    });
    check(GABION_CHECKS_DEFAULT & ~GABION_CHECK_PORT_ZERO);
    EXPECT_EQ(reason(eth / IPv4{} / TCP{.sport = 0}), GABION_REASON_CLEAN);
    EXPECT_EQ(reason(eth / IPv6{} / UDP{.dport = 0}), GABION_REASON_CLEAN);
}

std::vector<Case> fragments() {
    const auto six = [](std::uint16_t fragment, std::uint8_t next, std::size_t bytes) {
        return eth / IPv6{} / Extension{.kind = 44, .fragment = fragment, .next = next} / Payload{bytes};
    };
    const auto four = [](std::uint16_t fragment, std::uint8_t protocol, std::size_t bytes) {
        return eth / IPv4{.fragment = fragment, .protocol = protocol} / Payload{bytes};
    };
    return {
        {"v4: half a TCP header first", four(0x2000, 6, 16), GABION_REASON_FRAGMENT},
        {"v4: half a UDP header first", four(0x2000, 17, 7), GABION_REASON_FRAGMENT},
        {"v4: a whole UDP header first", eth / IPv4{.fragment = 0x2000} / UDP{.length = 3000}, GABION_REASON_CLEAN},
        {"v4: a whole TCP header first", eth / IPv4{.fragment = 0x2000} / TCP{} / Payload{4}, GABION_REASON_CLEAN},
        {"v4: TCP options cut off", eth / IPv4{.fragment = 0x2000} / TCP{.words = 8} / Payload{4},
         GABION_REASON_FRAGMENT},
        {"v4: another protocol, tiny", four(0x2000, 50, 8), GABION_REASON_CLEAN},
        {"v4: TCP at offset 1 (RFC 1858)", four(1, 6, 40), GABION_REASON_FRAGMENT},
        {"v4: TCP at offset 1, more to come", four(0x2001, 6, 40), GABION_REASON_FRAGMENT},
        {"v4: TCP at offset 2", four(2, 6, 40), GABION_REASON_CLEAN},
        {"v4: UDP at offset 1", four(1, 17, 40), GABION_REASON_CLEAN},
        {"v4: reaches 65,535", four(8185, 17, 65535 - 20 - 8185 * 8), GABION_REASON_CLEAN},
        {"v4: reaches 65,536", four(8185, 17, 65536 - 20 - 8185 * 8), GABION_REASON_FRAGMENT},
        {"v4: the last offset", four(0x1fff, 1, 1480), GABION_REASON_FRAGMENT},
        {"v6: half a TCP header first", six(1, 6, 16), GABION_REASON_FRAGMENT},
        {"v6: a whole UDP header first", eth / IPv6{} / Extension{.kind = 44, .fragment = 1} / UDP{.length = 3000},
         GABION_REASON_CLEAN},
        {"v6: the chain of headers goes on beyond the first", six(1, 60, 0), GABION_REASON_FRAGMENT},
        {"v6: half an ICMPv6 header first", six(1, 58, 4), GABION_REASON_FRAGMENT},
        {"v6: TCP at offset 1", six(8, 6, 40), GABION_REASON_FRAGMENT},
        {"v6: TCP at offset 2", six(16, 6, 40), GABION_REASON_CLEAN},
        {"v6: reaches 65,535", six(0xffe8, 17, 65535 - 0xffe8), GABION_REASON_CLEAN},
        {"v6: reaches 65,536", six(0xffe8, 17, 65536 - 0xffe8), GABION_REASON_FRAGMENT},
        {"v6: reaches 65,535 behind two headers",
         eth / IPv6{} / Extension{.kind = 60} / Extension{.kind = 44, .fragment = 0xffe8, .next = 17} / Payload{23},
         GABION_REASON_CLEAN},
        {"v6: an atomic fragment is whole", eth / IPv6{} / Extension{.kind = 44} / TCP{}, GABION_REASON_CLEAN},
    };
}

TEST_F(Validation, FragmentsThatNoSenderMakes) {
    expect_each(fragments());
    expect_agreement();
}

TEST_F(Validation, FragmentsAreNotDroppedWithTheOptionOff) {
    check(GABION_CHECKS_DEFAULT & ~GABION_CHECK_FRAGMENTS);
    for (const Case& one : fragments())
        EXPECT_EQ(reason(one.packet), GABION_REASON_CLEAN) << one.what;
}

TEST_F(Validation, AllFragmentsAreDroppedOnlyWhenAskedFor) {
    check(GABION_CHECKS_DEFAULT | GABION_CHECK_ALL_FRAGMENTS);
    for (const Case& one : fragments())
        EXPECT_EQ(reason(one.packet), std::string(one.what).find("atomic") == std::string::npos ? GABION_REASON_FRAGMENT
                                                                                                : GABION_REASON_CLEAN)
            << one.what;
    EXPECT_EQ(reason(eth / IPv4{.fragment = 0x4000} / UDP{}), GABION_REASON_CLEAN) << "may not be fragmented";
}

TEST_F(Validation, EthernetPaddingIsNoPayload) {
    // a whole header for the frame, but not for the packet
    EXPECT_EQ(reason((eth / IPv4{.fragment = 0x2000, .protocol = 6} / Payload{8}).padded(80)), GABION_REASON_FRAGMENT);
    EXPECT_EQ(reason((eth / IPv4{.fragment = 8185, .protocol = 17} / Payload{35}).padded(1000)), GABION_REASON_CLEAN);
    EXPECT_EQ(reason((eth / IPv4{} / TCP{.words = 6}).padded()), GABION_REASON_MALFORMED_TCP);
}

TEST_F(Validation, AllowedSourcesSkipItWhenTheirEntrySaysSo) {
    check(all_checks);
    for (const char* source : {"10.0.0.1", "127.0.0.1", "2001:db8::7", "::1"}) {
        const bool six = std::string(source).find(':') != std::string::npos;
        const Packet packet =
            six ? eth / IPv6{.source = source} / TCP{.flags = 0} : eth / IPv4{.source = source} / TCP{.flags = 0};
        EXPECT_NE(run(packet.bytes()).action, GABION_ACTION_PASS) << source;
        allow(source, GABION_SKIP_BANS | GABION_SKIP_RATES);
        EXPECT_NE(run(packet.bytes()).action, GABION_ACTION_PASS) << source;
        take(GABION_SET_ALLOW, source);
        allow(source, GABION_SKIP_VALIDATION);
        EXPECT_EQ(run(packet.bytes()).action, GABION_ACTION_PASS) << source;
    }
}

TEST_F(Validation, ADryRunDropsNothing) {
    control().dry_run = 1;
    EXPECT_EQ(run((eth / IPv4{.source = "127.0.0.1"} / TCP{}).bytes()).reason, GABION_REASON_DRY_RUN);
    EXPECT_EQ(cpu().would_drop[GABION_REASON_BOGON_SOURCE].packets, 1u);
}

// Every packet goes the whole way while a flood is on; the verdict is the same.
TEST_F(Validation, TheWholeWayGivesTheSameVerdict) {
    control().flood.any = now_ + 1000;
    expect_each(needs_of_a_link());
    expect_each(fragments());
    EXPECT_EQ(from("127.0.0.1"), GABION_REASON_BOGON_SOURCE);
    EXPECT_EQ(from("20.0.0.1"), GABION_REASON_CLEAN);
}

TEST_F(Validation, EveryFirstOctet) {
    check(all_checks);
    for (unsigned octet = 0; octet < 256; octet++) {
        const gabion_reason wanted = octet == 0 || octet == 127 || octet >= 224 ? GABION_REASON_BOGON_SOURCE
                                     : octet == 10                              ? GABION_REASON_PRIVATE_SOURCE
                                                                                : GABION_REASON_CLEAN;
        EXPECT_EQ(from(std::to_string(octet) + ".1.1.1"), wanted) << octet;
    }
}

TEST_F(Validation, EveryFirstByteOfIPv6) {
    check(all_checks);
    for (unsigned byte = 0; byte < 256; byte++) {
        in6_addr address{};
        address.s6_addr[0] = static_cast<std::uint8_t>(byte);
        address.s6_addr[1] = 0x90;
        address.s6_addr[15] = 5;
        char text[INET6_ADDRSTRLEN];
        inet_ntop(AF_INET6, &address, text, sizeof text);
        const gabion_reason wanted = byte == 0xff                                   ? GABION_REASON_BOGON_SOURCE
                                     : byte == 0xfc || byte == 0xfd || byte == 0xfe ? GABION_REASON_PRIVATE_SOURCE
                                                                                    : GABION_REASON_CLEAN;
        EXPECT_EQ(from(text), wanted) << text;
    }
}

TEST_F(Validation, EveryHeaderLengthAndEthertype) {
    for (unsigned first = 0; first < 256; first++) {
        const IPv4 ip{.protocol = 17,
                      .version = static_cast<std::uint8_t>(first >> 4),
                      .words = static_cast<std::uint8_t>(first & 15),
                      .length = 100};
        Bytes frame = (eth / ip / Payload{80}).bytes();
        const std::size_t l4 = 14 + (first & 15) * 4;
        // a UDP header where this header length says that it is
        if (l4 + 8 <= frame.size()) {
            frame[l4 + 2] = std::byte{0};
            frame[l4 + 3] = std::byte{53};
            frame[l4 + 4] = std::byte{0};
            frame[l4 + 5] = std::byte(100 - (first & 15) * 4);
        }
        const bool sound = first >> 4 == 4 && (first & 15) >= 5;
        EXPECT_EQ(reason(frame), sound ? GABION_REASON_CLEAN : GABION_REASON_MALFORMED_IPV4) << first;
    }
    for (std::uint32_t type = 0; type < 0x10000; type++) {
        if (type == 0x0800 || type == 0x86dd || type == 0x8100 || type == 0x88a8) continue;
        ASSERT_EQ(reason(Ethernet{.type = static_cast<std::uint16_t>(type)} / Payload{46}), GABION_REASON_NOT_IP)
            << type;
    }
}

}  // namespace
}  // namespace gabion::test
