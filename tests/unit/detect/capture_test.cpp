// SPDX-License-Identifier: Apache-2.0
// Captures of real attacks (GABION_CAPTURES names the folder), played over a learned calm: each must fire. Skipped where they are missing.
#include <arpa/inet.h>
#include <net/ethernet.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include "tests/unit/detect/traffic.h"

namespace gabion::detect::test {
namespace {

// What the detectors need of an IPv4 frame, which is all that these captures hold; other frames are left out.
std::optional<gabion_packet> read_frame(std::span<const unsigned char> frame, std::size_t l3) {
    if (frame.size() < l3 + 20 || (frame[l3] >> 4) != 4) return std::nullopt;
    const unsigned char* ip = &frame[l3];
    const std::size_t l4 = l3 + (ip[0] & 15u) * 4u;
    gabion_packet result{};
    result.ip_version = 4;
    std::memcpy(&result.source.word[0], ip + 12, 4);
    std::memcpy(&result.destination.word[0], ip + 16, 4);
    result.protocol = ip[9];
    result.ttl = ip[8];
    result.ip_length = static_cast<__u32>(ip[2] << 8 | ip[3]);
    if (frame.size() < l4 + 14 || (result.protocol != 6 && result.protocol != 17)) return result;
    result.source_port = static_cast<__u16>(frame[l4] << 8 | frame[l4 + 1]);
    result.destination_port = static_cast<__u16>(frame[l4 + 2] << 8 | frame[l4 + 3]);
    if (result.protocol == 6) result.tcp_flags = frame[l4 + 13];
    result.flags = GABION_PACKET_L4;
    return result;
}

std::vector<gabion_packet> read_capture(const std::string& path) {
    std::vector<gabion_packet> result;
    char error[PCAP_ERRBUF_SIZE] = "";
    pcap_t* capture = pcap_open_offline(path.c_str(), error);
    if (capture == nullptr) {
        ADD_FAILURE() << error;
        return result;
    }
    const int link = pcap_datalink(capture);
    const std::size_t l3 = link == DLT_EN10MB ? ETHER_HDR_LEN : link == DLT_LINUX_SLL ? 16 : 0;
    pcap_pkthdr* header = nullptr;
    const unsigned char* bytes = nullptr;
    while (pcap_next_ex(capture, &header, &bytes) == 1)
        if (const auto packet = read_frame({bytes, header->caplen}, l3)) result.push_back(*packet);
    pcap_close(capture);
    return result;
}

class Capture : public ::testing::TestWithParam<const char*> {};

// Played in a circle at 100,000 packets a second against the host of the ordinary clients.
TEST_P(Capture, Fires) {
    const char* folder = std::getenv("GABION_CAPTURES");
    const std::string path = folder == nullptr ? "" : std::string(folder) + "/" + GetParam();
    if (path.empty() || !std::filesystem::exists(path)) GTEST_SKIP() << "GABION_CAPTURES holds no " << GetParam();
    auto packets = read_capture(path);
    ASSERT_GT(packets.size(), 1000u);
    for (gabion_packet& each : packets)
        each.destination.word[0] = packet({}).destination.word[0];
    Simulation run({.seed = 1});
    add_mixed_clients(run, {.count = 30});
    auto at = std::make_shared<std::size_t>(0);
    run.add({.make = [&, at](Random&) { return packets[(*at)++ % packets.size()]; },
             .pps = 100'000,
             .start_s = 12,
             .attack = true});
    run.run_until(15);
    ASSERT_FALSE(run.cutting().empty());
    EXPECT_TRUE(run.noticed("attack-began", 12));
    std::printf("[ %s ] first verdict after %.0f ms (%s), %zu verdicts, %.1f %% dropped in 3 s\n", GetParam(),
                (run.cutting()[0].time_s - 12) * 1000, run.cutting()[0].verdict.reason, run.cutting().size(),
                100.0 * static_cast<double>(run.attack_dropped) / static_cast<double>(run.attack_offered));
    EXPECT_LE(run.cutting()[0].time_s - 12, 0.3);
    EXPECT_GT(static_cast<double>(run.attack_dropped), 0.5 * static_cast<double>(run.attack_offered));
    EXPECT_EQ(run.calm_dropped, 0u);
}

INSTANTIATE_TEST_SUITE_P(Real, Capture,
                         ::testing::Values("pkt.TCP.synflood.spoofed.pcap", "amp.TCP.reflection.SYNACK.pcap",
                                           "amp.UDP.snmp.src161.pcapng", "amp.UDP.isakmp.pcap"));

}  // namespace
}  // namespace gabion::detect::test
