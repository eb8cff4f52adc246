// SPDX-License-Identifier: Apache-2.0
// The built-in rules. Which services are abused, and how much they amplify: Rossow, "Amplification Hell", NDSS 2014; US-CERT alert TA14-017A
// with its updates; for the younger ones what is named beside them. The form of an answer comes from each protocol's own document. A
// client behind NAT may have any port above 1023 as its own: rules for such ports compare bytes that clients of other services do not send.
#include "dataplane/core/amplifiers.h"

namespace gabion {
namespace {

using Bytes = std::vector<AmplifierByte>;

Bytes text(std::uint16_t offset, std::string_view characters) {
    Bytes bytes;
    for (const char character : characters)
        bytes.push_back({offset++, 0xff, static_cast<std::uint8_t>(character)});
    return bytes;
}

void add_infrastructure(std::vector<AmplifierRule>& rules) {
    // RFC 1035, 4.1.1: QR, the highest bit of the third byte, tells an answer.
    rules.push_back({"dns", 53, 12, 65535, {{2, 0x80, 0x80}}});
    // RFC 9327: mode 6 with the response bit. Mode 7 (CVE-2013-5211) has it in the first byte. RFC 5905: a server's answer has 48 bytes, and
    // 24 more with a MAC; longer ones carry extensions, which only who asked gets.
    rules.push_back({"ntp", 123, 12, 65535, {{0, 0x07, 0x06}, {1, 0x80, 0x80}}});
    rules.push_back({"ntp", 123, 8, 65535, {{0, 0x87, 0x87}}});
    rules.push_back({"ntp", 123, 73, 65535, {{0, 0x07, 0x04}}});
    // RFC 1157, RFC 3416: a sequence. What goes to port 162 may be a trap.
    rules.push_back({"snmp", 161, 16, 65535, {{0, 0xff, 0x30}}, {}, 162});
    // RFC 4511 over UDP (MS-ADTS 6.3.3): a sequence.
    rules.push_back({"cldap", 389, 16, 65535, {{0, 0xff, 0x30}}});
    // RFC 5531: message type 1 is a reply.
    rules.push_back({"portmap", 111, 24, 65535, {{4, 0xff, 0}, {5, 0xff, 0}, {6, 0xff, 0}, {7, 0xff, 1}}});
    // RFC 1002, 4.2.1: the response bit.
    rules.push_back({"netbios", 137, 50, 65535, {{2, 0x80, 0x80}}});
    // RFC 1058: command 2 of version 1, the one that is abused and that nobody routes with any more.
    rules.push_back({"rip", 520, 24, 65535, {{0, 0xff, 2}, {1, 0xff, 1}}});
    // RFC 1350: data, from those that answer from the port that was asked.
    rules.push_back({"tftp", 69, 4, 65535, {{0, 0xff, 0}, {1, 0xff, 3}}});
    // RFC 864, RFC 865: anything at all.
    rules.push_back({"chargen", 19});
    rules.push_back({"qotd", 17});
    // IPMI 2.0, 13.1: RMCP version 6, class IPMI or ASF.
    rules.push_back({"ipmi", 623, 12, 65535, {{0, 0xff, 6}, {3, 0xfe, 6}}});
    // RFC 2608, version 2, replies (even function numbers); CVE-2023-29552.
    rules.push_back({"slp", 427, 50, 65535, {{0, 0xff, 2}, {1, 0x01, 0}}});
    // X Display Manager Control Protocol 1.1: version 1, Willing.
    rules.push_back({"xdmcp", 177, 6, 65535, {{0, 0xff, 0}, {1, 0xff, 1}, {2, 0xff, 0}, {3, 0xff, 5}}});
}

// RFC 2408, 3.1 and RFC 7296, 3.1; `at`: four behind the marker of RFC 3948 on port 4500.
void add_isakmp(std::vector<AmplifierRule>& rules, std::uint16_t port, std::uint16_t at) {
    const auto offset = [at](unsigned in_header) { return static_cast<std::uint16_t>(at + in_header); };
    const auto marked = [at](Bytes bytes) {
        for (std::uint16_t i = 0; i < at; ++i)
            bytes.push_back({i, 0xff, 0});
        return bytes;
    };
    const std::uint16_t header = offset(28);
    // Version 1, a proposal in main or aggressive mode that bears a responder's cookie: an initiator's first one has none.
    rules.push_back({"isakmp", port, header, 65535,
                     marked({{offset(16), 0xff, 1}, {offset(17), 0xf0, 0x10}, {offset(18), 0xf9, 0}}), offset(8)});
    // Version 1, a notification in clear.
    rules.push_back({"isakmp", port, header, 65535,
                     marked({{offset(16), 0xff, 11}, {offset(17), 0xf0, 0x10}, {offset(18), 0xff, 5}})});
    // Version 2: the response flag.
    rules.push_back({"isakmp", port, header, 65535, marked({{offset(17), 0xf0, 0x20}, {offset(19), 0x20, 0x20}})});
}

void add_discovery(std::vector<AmplifierRule>& rules) {
    // UPnP Device Architecture 1.1, 1.3.3
    rules.push_back({"ssdp", 1900, 32, 65535, text(0, "HTTP/1.")});
    // RFC 6762, 18: an authoritative answer
    rules.push_back({"mdns", 5353, 12, 65535, {{2, 0xff, 0x84}, {3, 0xff, 0}, {4, 0xff, 0}}});
    // SOAP over UDP 1.1: XML, begun in any of the usual ways
    rules.push_back({"ws-discovery", 3702, 64, 65535, text(0, "<?xml")});
    rules.push_back(
        {"ws-discovery", 3702, 64, 65535, {{0, 0xff, '<'}, {1, 0xdf, 'S'}, {2, 0xdf, 'O'}, {3, 0xdf, 'A'}}});
    rules.push_back({"ws-discovery", 3702, 64, 65535, text(0, "<s:E")});
    // RFC 7252, 3: 2.05 Content, in an acknowledgment or without one
    rules.push_back({"coap", 5683, 32, 65535, {{0, 0xf0, 0x60}, {1, 0xff, 0x45}}});
    rules.push_back({"coap", 5683, 32, 65535, {{0, 0xf0, 0x50}, {1, 0xff, 0x45}}});
    // ASHRAE 135, annex J and clause 20.1.5: an unrouted ComplexACK
    rules.push_back(
        {"bacnet", 47808, 9, 65535, {{0, 0xff, 0x81}, {1, 0xff, 0x0a}, {4, 0xff, 1}, {5, 0x28, 0}, {6, 0xf0, 0x30}}});
    // Exactly the 1,006 bytes with which Apple's remote management answers (NETSCOUT ASERT, June 2019)
    rules.push_back({"ard", 3283, 1006, 1006, {{0, 0xff, 0}}});
    // Version 1, answer to a discovery, less than 256 bytes (NETSCOUT ASERT, January 2019)
    rules.push_back(
        {"ubiquiti", 10001, 60, 260, {{0, 0xff, 1}, {1, 0xff, 0}, {2, 0xff, 0}, {4, 0xf0, 0}, {5, 0xff, 0}}});
    // The header of Dahua's protocol (NETSCOUT ASERT, July 2020)
    rules.push_back({"dvr", 37810, 32, 65535, text(4, "DHIP")});
    // Plex Media Server (NETSCOUT ASERT, February 2021)
    rules.push_back({"plex", 32414, 32, 65535, text(0, "HTTP/1.")});
    // CVE-2020-2100
    rules.push_back({"jenkins", 33848, 32, 65535, text(0, "<hudson")});
}

void add_servers(std::vector<AmplifierRule>& rules) {
    // memcached's doc/protocol.txt (CVE-2018-1000115): eight bytes whose last two are 0, then text that begins with a word of the
    // protocol, or goes on in a datagram of the full 1,400 bytes (UDP_MAX_PAYLOAD_SIZE). A zero and a letter alone are what
    // many a client's own datagrams have there.
    for (const std::string_view word : {"VALU", "STAT", "END\r", "VERS", "ERRO", "SERV", "CLIE"}) {
        Bytes begins = text(8, word);
        begins.push_back({6, 0xff, 0});
        begins.push_back({7, 0xff, 0});
        rules.push_back({"memcached", 11211, 13, 65535, begins});
    }
    rules.push_back({"memcached", 11211, 1400, 1400, {{6, 0xff, 0}, {7, 0xff, 0}}});
    // RFC 5389, 6: a binding's success, and the magic cookie
    rules.push_back({"stun",
                     3478,
                     20,
                     65535,
                     {{0, 0xff, 1}, {1, 0xff, 1}, {4, 0xff, 0x21}, {5, 0xff, 0x12}, {6, 0xff, 0xa4}, {7, 0xff, 0x42}}});
    // MC-SQLR 2.2.5: 5, a length, and "ServerName"
    Bytes browser = text(3, "Serv");
    browser.push_back({0, 0xff, 5});
    rules.push_back({"mssql", 1434, 16, 65535, browser});
    // Valve's server queries: information, players, rules
    Bytes information = text(0, "\xff\xff\xff\xffI");
    Bytes players = text(0, "\xff\xff\xff\xff");
    players.push_back({4, 0xfe, 0x44});
    rules.push_back({"steam", 27015, 16, 65535, information});
    rules.push_back({"steam", 27015, 8, 65535, players});
    // Quake III: statusResponse, infoResponse
    rules.push_back({"quake", 27960, 16, 65535, text(0, "\xff\xff\xff\xffstat")});
    rules.push_back({"quake", 27960, 16, 65535, text(0, "\xff\xff\xff\xffinfo")});
    // P_CONTROL_HARD_RESET_SERVER_V2 that acknowledges packet 0 (OpenVPN Wire Protocol)
    rules.push_back({"openvpn",
                     1194,
                     14,
                     100,
                     {{0, 0xf8, 0x40}, {9, 0xff, 1}, {10, 0xff, 0}, {11, 0xff, 0}, {12, 0xff, 0}, {13, 0xff, 0}}});
    // MS-RDPEUDP 2.2.2.1 and 3.1.5.1.3: SYN and ACK, padded to 1,232 bytes
    rules.push_back({"rdp", 3389, 1180, 1232, {{6, 0xff, 0}, {7, 0x05, 0x05}}});
}

}  // namespace

const std::vector<AmplifierRule>& built_in_amplifiers() {
    static const std::vector<AmplifierRule> rules = [] {
        std::vector<AmplifierRule> list;
        add_infrastructure(list);
        add_isakmp(list, 500, 0);
        add_isakmp(list, 4500, 4);
        add_discovery(list);
        add_servers(list);
        return list;
    }();
    return rules;
}

}  // namespace gabion
