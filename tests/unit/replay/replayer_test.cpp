// SPDX-License-Identifier: Apache-2.0
// Made captures through everything: what is learned, what is decided, and that every packet is accounted for.
#include "control/replay/replayer.h"

#include <cstdlib>
#include <filesystem>
#include <random>

#include "tests/unit/replay/capture_file.h"

namespace gabion::replay::test {
namespace {

using gabion::test::Ethernet;
using gabion::test::IPv4;
using gabion::test::Packet;
using gabion::test::Payload;
using gabion::test::TCP;
using gabion::test::UDP;

constexpr const char* attacker = "203.0.113.66";

// `clients` ordinary sources for so many seconds, at 10 packets a second each.
void add_calm(CaptureFile& file, double from_s, double seconds, int clients = 40) {
    std::mt19937 random(7);
    const int packets = static_cast<int>(seconds * clients * 10);
    for (int i = 0; i < packets; i++) {
        const std::string source = "192.0.2." + std::to_string(1 + random() % static_cast<unsigned>(clients));
        file.add(
            (Ethernet{} / IPv4{.source = source, .ttl = 57} / TCP{.dport = 443} / Payload{20 + random() % 200}).bytes(),
            from_s + seconds * i / packets);
    }
}

void add_flood(CaptureFile& file, double from_s, double seconds, double pps) {
    const int packets = static_cast<int>(seconds * pps);
    const Bytes frame = (Ethernet{} / IPv4{.source = attacker} / UDP{.dport = 443} / Payload{100}).bytes();
    for (int i = 0; i < packets; i++)
        file.add(frame, from_s + i / pps);
}

std::uint64_t sum(const counter::Totals& totals) {
    return totals.passed.packets + totals.forwarded.packets + totals.answered.packets + totals.handed_over.packets +
           totals.dropped.packets;
}

TEST(Replayer, LearnsFromCalmAndNamesAHeavySource) {
    CaptureFile calm, attack;
    add_calm(calm, 100, 3);
    add_calm(attack, 500, 2);
    add_flood(attack, 502, 2, 60'000);
    Replayer replayer({});
    const auto learned = replayer.learn(calm.done());
    ASSERT_TRUE(learned) << learned.error().text;
    EXPECT_TRUE(replayer.learned());
    EXPECT_GE(learned->seconds, 10) << "played again until it was enough";
    EXPECT_TRUE(replayer.decisions().empty());
    const auto played = replayer.play(attack.done());
    ASSERT_TRUE(played) << played.error().text;
    EXPECT_EQ(played->packets, 800u + 120'000u);
    ASSERT_FALSE(replayer.decisions().empty());
    const auto named = std::find_if(replayer.decisions().begin(), replayer.decisions().end(), [](const Decision& d) {
        return d.verdict.kind == detect::VerdictKind::quarantine && d.verdict.target.text() == attacker;
    });
    ASSERT_NE(named, replayer.decisions().end());
    EXPECT_NEAR(named->time_s, 2.05, 0.15) << "soon after the flood began, on the capture's own time";
    const counter::Totals totals = replayer.totals();
    EXPECT_GT(totals.reason[GABION_REASON_QUARANTINE].packets, 100'000u);
    EXPECT_EQ(totals.received.packets, played->packets) << "what was learned from is not counted";
    EXPECT_EQ(sum(totals), totals.received.packets);
    EXPECT_EQ(totals.handed_back.packets, totals.handed_over.packets);
}

TEST(Replayer, GivesTheSameAnswerEachTime) {
    CaptureFile attack;
    add_calm(attack, 1, 2);
    add_flood(attack, 2, 1, 500'000);
    std::vector<std::pair<double, std::string>> first;
    for (int round = 0; round < 2; round++) {
        Replayer replayer({});
        ASSERT_TRUE(replayer.play(attack.done()));
        std::vector<std::pair<double, std::string>> decided;
        for (const Decision& decision : replayer.decisions())
            decided.emplace_back(decision.time_s, decision.verdict.target.text());
        EXPECT_FALSE(decided.empty());
        if (round == 0) first = decided;
        EXPECT_EQ(decided, first);
    }
}

TEST(Replayer, DropsNothingInADryRun) {
    CaptureFile attack;
    add_flood(attack, 1, 1, 500'000);
    config::Config config;
    config.dry_run = true;
    Replayer replayer(config);
    ASSERT_TRUE(replayer.play(attack.done()));
    EXPECT_EQ(replayer.totals().dropped.packets, 0u);
    EXPECT_GT(replayer.totals().would_drop[GABION_REASON_QUARANTINE].packets, 0u);
}

TEST(Replayer, JumpsOverLongSilence) {
    CaptureFile file;
    const Bytes frame = (Ethernet{} / IPv4{} / UDP{}).bytes();
    file.add(frame, 1);
    file.add(frame, 1 + 90 * 86400.0);
    Replayer replayer({});
    const auto played = replayer.play(file.done());
    ASSERT_TRUE(played);
    EXPECT_DOUBLE_EQ(played->seconds, 90 * 86400.0);
}

TEST(Replayer, TakesPacketsOutOfOrderAsTheyCome) {
    CaptureFile file;
    const Bytes frame = (Ethernet{} / IPv4{} / UDP{}).bytes();
    for (const double time_s : {10.0, 9.0, 10.5, 0.0})
        file.add(frame, time_s);
    Replayer replayer({});
    const auto played = replayer.play(file.done());
    ASSERT_TRUE(played);
    EXPECT_EQ(played->packets, 4u);
    EXPECT_DOUBLE_EQ(played->seconds, 0.5);
}

TEST(Replayer, LearnsNothingFromPacketsThatTakeNoTime) {
    CaptureFile file;
    file.add((Ethernet{} / IPv4{} / UDP{}).bytes(), 1);
    Replayer replayer({});
    const auto learned = replayer.learn(file.done());
    ASSERT_FALSE(learned);
    EXPECT_NE(learned.error().text.find("nothing can be learned"), std::string::npos);
}

TEST(Replayer, HoldsASourceToItsRates) {
    CaptureFile file;
    add_flood(file, 10, 2, 2'000);
    config::Config config;
    config.sources.when = "always";
    config.sources.udp = 100;
    Replayer replayer(config);
    ASSERT_TRUE(replayer.play(file.done()));
    const counter::Totals totals = replayer.totals();
    EXPECT_NEAR(static_cast<double>(totals.reason[GABION_REASON_SOURCE_RATE].packets), 4'000 - 300, 10);
    EXPECT_EQ(totals.dropped.packets, totals.reason[GABION_REASON_SOURCE_RATE].packets) << "samples of it included";
    EXPECT_EQ(totals.handed_back.packets, totals.handed_over.packets);
}

TEST(Replayer, MeetsAFloodOfSynsWithTheCap) {
    CaptureFile file;
    std::mt19937 random(3);
    for (int i = 0; i < 10'000; i++) {
        const std::string source = "192.0." + std::to_string(random() % 250) + "." + std::to_string(random() % 250);
        file.add((Ethernet{} / IPv4{.source = source} / TCP{.dport = 443, .flags = 2}).bytes(), 10 + i / 5'000.0);
    }
    config::Config config;
    config.syn.way = "cap";
    Replayer replayer(config);
    ASSERT_TRUE(replayer.play(file.done()));
    EXPECT_GT(replayer.totals().reason[GABION_REASON_SYN_FIRST].packets, 5'000u);
    const auto& told = replayer.occurrences();
    EXPECT_TRUE(std::any_of(told.begin(), told.end(), [](const Occurrence& o) { return o.kind == "syn-flood-began"; }));
}

// Real reflections, which nobody here asked for. What is not UDP, or a later fragment whose first one is missing, is not the table's.
TEST(Replayer, DropsCapturedAmplification) {
    const char* folder = std::getenv("GABION_CAPTURES");
    for (const char* name : {"amp.UDP.isakmp.pcap", "amp.UDP.snmp.src161.pcapng"}) {
        const std::string path = folder == nullptr ? "" : std::string(folder) + "/" + name;
        if (!std::filesystem::exists(path)) GTEST_SKIP() << "GABION_CAPTURES holds no " << name;
        Replayer replayer({});
        const auto played = replayer.play(path, "udp and src port (161 or 500 or 4500)");
        ASSERT_TRUE(played) << played.error().text;
        const std::uint64_t dropped = replayer.totals().reason[GABION_REASON_AMPLIFICATION].packets;
        std::printf("%s: %lu of %lu dropped\n", name, dropped, played->packets);
        ASSERT_GT(played->packets, 1000u);
        EXPECT_GE(static_cast<double>(dropped), 0.999 * static_cast<double>(played->packets));
    }
}

}  // namespace
}  // namespace gabion::replay::test
