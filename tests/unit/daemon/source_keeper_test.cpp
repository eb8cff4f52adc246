// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/source_keeper.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "bpf/lib/source.h"

namespace gabion::daemon {
namespace {

constexpr std::uint32_t hz = 250;

class SourceKeeperTest : public ::testing::Test {
protected:
    SourceKeeperTest() {
        settings_.when = GABION_SOURCES_IN_FLOODS;
        settings_.rate[GABION_RATE_PACKETS] = 1000;
        settings_.rate[GABION_RATE_UDP] = 500;
        settings_.rate[GABION_RATE_CONNECTIONS] = 20;
        settings_.points[GABION_RATE_PACKETS] = 20;
        settings_.threshold = 100;
        settings_.decay_per_s = 10;
        settings_.ban = std::chrono::hours(1);
    }

    SourceTables tables() { return {control_, limits_, rules_, offences_}; }
    void apply() {
        keeper_.configure(settings_);
        keeper_.apply(tables());
    }
    // Packets of one source that pass at once.
    int burst(std::size_t set, gabion_rate rate) {
        gabion_source source{};
        int through = 0;
        while (through < 100'000 && gabion_source_take(&source, &limits_[set], 1u << rate, 60) == 0)
            ++through;
        return through;
    }
    std::uint64_t rule(bool udp, unsigned port) {
        const std::size_t place = (udp ? 65536u : 0u) + port;
        return rules_[place / GABION_RULES_PER_WORD] >> place % GABION_RULES_PER_WORD * 16 & 0xffff;
    }
    // As the kernel does.
    void tell(const char* address, std::uint16_t rates) {
        gabion_offence& offence = offences_[control_.sources.told % GABION_OFFENCES];
        const Prefix source = *Prefix::parse(address);
        std::memcpy(offence.address, source.bytes.data(), sizeof offence.address);
        offence.ip_version = source.family == Family::v4 ? 4 : 6;
        offence.rates = rates;
        offence.seen = 5000;
        offence.dropped = 4000;
        offence.ticks = hz;
        offence.score = 120 << 16;
        offence.number = ++control_.sources.told;
    }
    std::vector<detect::Verdict> collect() {
        std::vector<detect::Verdict> verdicts;
        keeper_.collect(tables(), verdicts);
        return verdicts;
    }

    SourceSettings settings_;
    SourceKeeper keeper_{hz, 0};
    gabion_control control_{};
    std::vector<gabion_source_limits> limits_ = std::vector<gabion_source_limits>(GABION_SOURCE_LIMITS);
    std::vector<std::uint64_t> rules_ = std::vector<std::uint64_t>(GABION_PORT_RULES / GABION_RULES_PER_WORD);
    std::vector<gabion_offence> offences_ = std::vector<gabion_offence>(GABION_OFFENCES);
};

TEST_F(SourceKeeperTest, WritesLimitsAndWhenTheyHold) {
    settings_.burst_s = 0.5;
    apply();
    EXPECT_NEAR(burst(0, GABION_RATE_PACKETS), 500, 1);
    EXPECT_NEAR(burst(0, GABION_RATE_UDP), 250, 1);
    EXPECT_EQ(burst(0, GABION_RATE_TCP), 100'000) << "no limit";
    EXPECT_EQ(control_.caps.sources, 0u);
    settings_.when = GABION_SOURCES_ALWAYS;
    apply();
    EXPECT_EQ(control_.caps.sources, 1u);
    settings_.when = GABION_SOURCES_NEVER;
    apply();
    EXPECT_EQ(control_.caps.sources, 0u);
    EXPECT_EQ(control_.sources.when, static_cast<__u32>(GABION_SOURCES_NEVER));
}

TEST_F(SourceKeeperTest, PortsRulesStandBesideThoseOfCaps) {
    rules_[(65536 + 53) / GABION_RULES_PER_WORD] = 0x0007000700070007;
    settings_.ports = {{true, 53, 2000}, {false, 443, 100}};
    apply();
    EXPECT_EQ(rule(true, 53), 0x0107u);
    EXPECT_EQ(rule(true, 54), 0x0007u);
    EXPECT_EQ(rule(false, 443), 0x0200u);
    EXPECT_NEAR(burst(1, GABION_RATE_UDP), 2000, 1);
    EXPECT_NEAR(burst(1, GABION_RATE_PACKETS), 2000, 1) << "or the rate of all packets would hold it back";
    EXPECT_NEAR(burst(2, GABION_RATE_TCP), 100, 1);
    settings_.ports = {};
    apply();
    EXPECT_EQ(rule(true, 53), 0x0007u);
    EXPECT_EQ(rule(false, 443), 0u);
    EXPECT_EQ(control_.sources.ports, 0u);
}

TEST_F(SourceKeeperTest, OffencesBecomeBansWithProvenEvidence) {
    apply();
    EXPECT_TRUE(collect().empty());
    tell("198.51.100.7", 1u << GABION_RATE_PACKETS);
    tell("2001:db8::7", 1u << GABION_RATE_CONNECTIONS);
    const auto verdicts = collect();
    ASSERT_EQ(verdicts.size(), 2u);
    EXPECT_EQ(verdicts[0].kind, detect::VerdictKind::ban);
    EXPECT_EQ(verdicts[0].target, *Prefix::parse("198.51.100.7"));
    EXPECT_EQ(verdicts[1].target, *Prefix::parse("2001:db8::7"));
    EXPECT_EQ(verdicts[0].duration, std::chrono::hours(1));
    EXPECT_EQ(verdicts[0].evidence.standing, detect::Standing::proven);
    EXPECT_EQ(verdicts[0].evidence.window_ms, 1000u);
    EXPECT_STREQ(verdicts[0].evidence.figures[0].name, "source_pps");
    EXPECT_EQ(verdicts[0].evidence.figures[0].value, 5000);
    EXPECT_EQ(verdicts[0].evidence.figures[0].threshold, 1000);
    EXPECT_STREQ(verdicts[1].evidence.figures[2].name, "source_connections_per_s");
    EXPECT_TRUE(collect().empty()) << "each once";
}

TEST_F(SourceKeeperTest, NothingHalfWrittenOrOverwrittenIsRead) {
    apply();
    for (unsigned i = 0; i < GABION_OFFENCES + 10; ++i)
        tell("198.51.100.7", 1);
    offences_[20].number = 0;
    EXPECT_EQ(collect().size(), GABION_OFFENCES - 1u) << "what was overwritten is lost";
    settings_.threshold = 0;
    apply();
    tell("198.51.100.7", 1);
    EXPECT_TRUE(collect().empty()) << "switched off meanwhile";
    EXPECT_EQ(control_.sources.threshold, 0u);
}

}  // namespace
}  // namespace gabion::daemon
