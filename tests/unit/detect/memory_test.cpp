// SPDX-License-Identifier: Apache-2.0
#include "dataplane/detect/memory.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/detect/traffic.h"

namespace gabion::detect::test {
namespace {

Key key(const char* text) { return Key::from(*Prefix::parse(text)); }

TEST(Memory, OnePacketMakesNobodyKnown) {
    Memory memory({});
    for (int i = 0; i < 100; ++i)
        memory.learn(key("192.0.2.1"), 57, 100);
    EXPECT_EQ(memory.known(key("192.0.2.1")), nullptr);
    EXPECT_TRUE(memory.calm_sources().empty());
    memory.learn(key("192.0.2.1"), 57, 101);
    ASSERT_NE(memory.known(key("192.0.2.1")), nullptr);
    EXPECT_EQ(memory.calm_sources(), std::vector<Prefix>{*Prefix::parse("192.0.2.1")});
}

TEST(Memory, AForgedPacketDoesNotWidenWhatIsKnown) {
    Memory memory({});
    for (std::uint32_t second = 1; second <= 5; ++second)
        memory.learn(key("2001:db8::7"), 57, second);
    memory.learn(key("2001:db8::7"), 120, 5);
    memory.learn(key("2001:db8::7"), 120, 5);
    const KnownSource* known = memory.known(key("2001:db8::7"));
    EXPECT_EQ(known->ttl_low, 57);
    EXPECT_EQ(known->ttl_high, 57);
    EXPECT_EQ(memory.distance(key("2001:db8::7"), 57), Distance::agrees);
    EXPECT_EQ(memory.distance(key("2001:db8::7"), 121), Distance::agrees);  // initial 128, the same 7 hops
    EXPECT_EQ(memory.distance(key("2001:db8::7"), 56), Distance::agrees);   // one more router
    EXPECT_EQ(memory.distance(key("2001:db8::7"), 50), Distance::contradicts);
    EXPECT_EQ(memory.distance(key("2001:db8:1::7"), 50), Distance::unknown);
}

TEST(Memory, ASecondTtlIsBelievedWhenItComesAgain) {
    Memory memory({});
    for (std::uint32_t second = 1; second <= 3; ++second)
        memory.learn(key("192.0.2.9"), 57, second);
    for (std::uint32_t second = 4; second <= 6; ++second)
        memory.learn(key("192.0.2.9"), 250, second);
    EXPECT_EQ(memory.known(key("192.0.2.9"))->ttl_high, 250);
    EXPECT_EQ(memory.known(key("192.0.2.9"))->ttl_low, 57);
}

TEST(Memory, ADistanceNotSeenForTwoEpochsIsForgotten) {
    Memory memory({});
    memory.learn(key("192.0.2.1"), 57, 1);
    memory.learn(key("192.0.2.1"), 57, 3);
    for (std::uint32_t epoch = 1; epoch <= 3; ++epoch)
        for (std::uint32_t second = 0; second < 3; ++second)
            memory.learn(key("192.0.2.1"), 44, epoch * Memory::epoch_length_s + 10 + second);
    EXPECT_EQ(memory.distance(key("192.0.2.1"), 57), Distance::contradicts);
    EXPECT_EQ(memory.distance(key("192.0.2.1"), 44), Distance::agrees);
}

TEST(Memory, KnownSourcesOutliveAScanOfStrangers) {
    Memory memory({});
    for (std::uint32_t second = 1; second <= 3; ++second)
        memory.learn(key("192.0.2.1"), 57, second);
    for (std::uint32_t i = 0; i < 500'000; ++i)
        memory.learn(Key{0, std::uint64_t{i} * 2654435761u << 32 | 0xffff0000u}, 40, 10);
    EXPECT_NE(memory.known(key("192.0.2.1")), nullptr);
}

TEST(Baseline, SurvivesARestart) {
    Simulation before({.seed = 1});
    add_mixed_clients(before, {.count = 30});
    before.run_until(15);
    const auto bytes = before.analyst().save_baseline();

    Analyst after({}, {});
    ASSERT_TRUE(after.restore_baseline(bytes, 5'000'000'000));
    EXPECT_TRUE(after.learned());
    auto sources = after.calm_sources(), expected = before.analyst().calm_sources();
    std::sort(sources.begin(), sources.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(sources, expected);
    EXPECT_EQ(sources.size(), 30u);
    EXPECT_EQ(after.calm_peak_pps(), before.analyst().calm_peak_pps());
}

TEST(Baseline, DamageIsFoundAndChangesNothing) {
    Simulation run({.seed = 1});
    add_mixed_clients(run, {.count = 3});
    run.run_until(15);
    const auto bytes = run.analyst().save_baseline();
    Analyst fresh({}, {});
    for (std::size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / 300) {
        auto damaged = bytes;
        damaged[at] ^= std::byte{0x10};
        EXPECT_FALSE(fresh.restore_baseline(damaged, 1'000'000'000)) << "byte " << at;
        EXPECT_FALSE(fresh.restore_baseline(std::span(bytes).first(at), 1'000'000'000)) << "cut at " << at;
    }
    EXPECT_FALSE(fresh.learned());
    EXPECT_TRUE(fresh.restore_baseline(bytes, 1'000'000'000));
}

TEST(Explain, TellsOfClientsAttackersAndStrangers) {
    Simulation run({.seed = 2});
    add_mixed_clients(run, {.count = 30});
    add_heavy_source(run, {.start_s = 12});
    run.run_until(12.5);
    const auto client = run.analyst().explain(*Prefix::parse("10.0.0.97"));
    EXPECT_TRUE(client.known);
    EXPECT_TRUE(client.verdicts.empty());
    EXPECT_NE(client.text.find("Known from calm times"), std::string::npos) << client.text;
    const auto attacker = run.analyst().explain(*Prefix::parse("192.0.2.0"));
    EXPECT_FALSE(attacker.known);
    ASSERT_EQ(attacker.verdicts.size(), 1u);
    const Evidence& evidence = attacker.verdicts[0].evidence;
    ASSERT_GE(evidence.figure_count, 2);
    const auto figure = std::find_if(evidence.figures.begin(), evidence.figures.end(), [](const Figure& each) {
        return each.name != nullptr && std::string_view(each.name) == "source_pps";
    });
    ASSERT_NE(figure, evidence.figures.end());
    EXPECT_GT(figure->value, figure->threshold);
    const auto stranger = run.analyst().explain(*Prefix::parse("2001:db8:ffff::1"));
    EXPECT_FALSE(stranger.known || stranger.seen);
    EXPECT_NE(stranger.text.find("No detector"), std::string::npos);
}

}  // namespace
}  // namespace gabion::detect::test
