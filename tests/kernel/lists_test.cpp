// SPDX-License-Identifier: Apache-2.0
// Allow list and bans: families, prefixes, tiers, expiry, what an allow entry skips, dry run.
#include "bpf/abi/destination.h"
#include "bpf/abi/quarantine.h"
#include "tests/kernel/homes.h"

namespace gabion::test {
namespace {

const Ethernet eth{};

class Lists : public Homes {
protected:
    static Packet from(const std::string& source) {
        if (source.find(':') != std::string::npos) return eth / IPv6{.source = source} / UDP{};
        return eth / IPv4{.source = source} / UDP{};
    }
};

TEST_F(Lists, BanExactAddresses) {
    put(GABION_SET_OPERATOR, "203.0.113.7");
    put(GABION_SET_DETECTOR, "203.0.113.9");
    put(GABION_SET_OPERATOR, "2001:db8:7::7");
    put(GABION_SET_DETECTOR, "2001:db8:7::9");
    EXPECT_EQ(reason(from("203.0.113.7")), GABION_REASON_BAN_OPERATOR);
    EXPECT_EQ(reason(from("203.0.113.9")), GABION_REASON_BAN_DETECTOR);
    EXPECT_EQ(reason(from("2001:db8:7::7")), GABION_REASON_BAN_OPERATOR);
    EXPECT_EQ(reason(from("2001:db8:7::9")), GABION_REASON_BAN_DETECTOR);
    // the neighbour, the byte order's mirror image
    for (const char* other : {"203.0.113.8", "7.113.0.203", "2001:db8:7::8", "::7"})
        EXPECT_EQ(reason(from(other)), GABION_REASON_CLEAN) << other;
    expect_agreement();
}

TEST_F(Lists, BanPrefixes) {
    put(GABION_SET_DETECTOR, "224.0.0.0/3");
    put(GABION_SET_OPERATOR, "198.18.0.0/15");
    put(GABION_SET_OPERATOR, "2001:db8:4000::/35");
    EXPECT_EQ(reason(from("198.18.0.0")), GABION_REASON_BAN_OPERATOR_PREFIX);
    EXPECT_EQ(reason(from("198.19.255.255")), GABION_REASON_BAN_OPERATOR_PREFIX);
    EXPECT_EQ(reason(from("198.20.0.0")), GABION_REASON_CLEAN);
    EXPECT_EQ(reason(from("198.17.255.255")), GABION_REASON_CLEAN);
    EXPECT_EQ(reason(from("226.1.2.3")), GABION_REASON_BAN_DETECTOR_PREFIX);
    EXPECT_EQ(reason(from("2001:db8:4000::1")), GABION_REASON_BAN_OPERATOR_PREFIX);
    EXPECT_EQ(reason(from("2001:db8:5fff:ffff::1")), GABION_REASON_BAN_OPERATOR_PREFIX);
    EXPECT_EQ(reason(from("2001:db8:6000::1")), GABION_REASON_CLEAN);
    expect_agreement();
}

TEST_F(Lists, BanPrefixesOfEveryLength) {
    const std::string address4 = "77.85.102.119", address6 = "2a01:2345:6789:abcd:ef01:2345:6789:abcd";
    for (const std::string& address : {address4, address6}) {
        const Prefix whole = *Prefix::parse(address);
        for (unsigned length = 1; length < whole.width(); length++) {
            const Prefix banned = whole.shortened(length);
            Prefix outside = whole;  // differs in the prefix's last bit
            outside.bytes[(length - 1) / 8] =
                static_cast<std::uint8_t>(outside.bytes[(length - 1) / 8] ^ (0x80u >> (length - 1) % 8));
            put(GABION_SET_DETECTOR, banned.text(), now_ + 1);
            EXPECT_EQ(reason(from(address)), GABION_REASON_BAN_DETECTOR_PREFIX) << banned.text();
            EXPECT_EQ(reason(from(outside.text())), GABION_REASON_CLEAN)
                << outside.text() << " is not in " << banned.text();
            take(GABION_SET_DETECTOR, banned.text());
        }
    }
}

TEST_F(Lists, ManyPrefixLengthsAtATime) {
    for (unsigned length = 1; length < 128; length += 5) {
        const Prefix wide = *Prefix::parse("2a01:2345:6789:abcd:ef01:2345:6789:abcd");
        put(GABION_SET_DETECTOR, wide.shortened(length).text());
    }
    EXPECT_EQ(reason(from("2a01:2345:6789:abcd:ef01:2345:6789:abcd")), GABION_REASON_BAN_DETECTOR_PREFIX);
    EXPECT_EQ(reason(from("2a01:2345:6789:abcd:ffff::1")), GABION_REASON_BAN_DETECTOR_PREFIX);
    EXPECT_EQ(reason(from("8001::1")), GABION_REASON_CLEAN);  // the first bit differs
}

TEST_F(Lists, CountHitsBesideTheTable) {
    const ban::Place place = put(GABION_SET_OPERATOR, "203.0.113.7");
    for (int i = 0; i < 5; i++)
        reason(from("203.0.113.7"));
    EXPECT_EQ(kernel_->values<std::uint64_t>("op_e4_hits")[place.index], 5u);
}

TEST_F(Lists, ExpiryIsExactToTheTick) {
    for (const std::uint32_t ahead : {1u, 2u, 250u, GABION_EXPIRY_AHEAD_MAX}) {
        const std::uint32_t start = now_;
        const std::string name = "203.0.113." + std::to_string(ahead % 200 + 1);
        put(GABION_SET_OPERATOR, name, start + ahead);
        EXPECT_EQ(reason(from(name)), GABION_REASON_BAN_OPERATOR) << ahead;
        now_ = start + ahead - 1;
        EXPECT_EQ(reason(from(name)), GABION_REASON_BAN_OPERATOR) << ahead << ": the last tick";
        now_ = start + ahead;
        EXPECT_EQ(reason(from(name)), GABION_REASON_CLEAN) << ahead << ": the tick at which it ends";
        now_ = start;
    }
}

TEST_F(Lists, ExpiryWorksAcrossTheWrapOfTicks) {
    now_ = 0xfffffff0u;
    put(GABION_SET_DETECTOR, "203.0.113.7", now_ + 32);
    EXPECT_EQ(reason(from("203.0.113.7")), GABION_REASON_BAN_DETECTOR);
    now_ += 31;
    EXPECT_EQ(reason(from("203.0.113.7")), GABION_REASON_BAN_DETECTOR);
    now_ += 1;
    EXPECT_EQ(reason(from("203.0.113.7")), GABION_REASON_CLEAN);
}

TEST_F(Lists, AnEndedPrefixDoesNotHideAShorterOne) {
    put(GABION_SET_OPERATOR, "198.18.5.0/24", now_ + 1);
    put(GABION_SET_OPERATOR, "198.18.0.0/16");
    now_ += 10;
    EXPECT_EQ(reason(from("198.18.5.5")), GABION_REASON_BAN_OPERATOR_PREFIX);
}

TEST_F(Lists, AllowEntriesSkipWhatTheySay) {
    for (const char* banned : {"203.0.113.1", "203.0.113.2", "203.0.113.3", "2001:db8::7"})
        put(GABION_SET_OPERATOR, banned);
    allow("203.0.113.1", 0);
    allow("203.0.113.2", GABION_SKIP_BANS);
    allow("203.0.113.3", GABION_SKIP_ALL);
    allow("2001:db8::/64", GABION_SKIP_ALL);
    allow("203.0.113.5", GABION_SKIP_RATES);
    quarantine("203.0.113.2");
    quarantine("203.0.113.5");
    EXPECT_EQ(reason(from("203.0.113.1")), GABION_REASON_BAN_OPERATOR) << "an entry that skips nothing";
    EXPECT_EQ(reason(from("203.0.113.2")), GABION_REASON_QUARANTINE) << "bans are skipped, rates are not";
    EXPECT_EQ(reason(from("203.0.113.3")), GABION_REASON_ALLOWED);
    EXPECT_EQ(reason(from("2001:db8::7")), GABION_REASON_ALLOWED);
    EXPECT_EQ(reason(from("203.0.113.5")), GABION_REASON_CLEAN);
    expect_agreement();
}

TEST_F(Lists, ADryRunDropsNothing) {
    put(GABION_SET_OPERATOR, "203.0.113.7");
    control().dry_run = 1;
    const HostPipeline::Verdict verdict = run(from("203.0.113.7").bytes());
    EXPECT_EQ(verdict.reason, GABION_REASON_DRY_RUN);
    EXPECT_EQ(verdict.action, GABION_ACTION_PASS);
    const gabion_cpu& counted = kernel_->values<gabion_cpu>("cpus")[0];
    EXPECT_EQ(counted.would_drop[GABION_REASON_BAN_OPERATOR].packets, 1u);
    EXPECT_EQ(counted.reason[GABION_REASON_BAN_OPERATOR].packets, 0u);
}

TEST_F(Lists, EntriesOutsideTheirHomeBucketAreFound) {
    // 1,024 buckets of seven: 4,500 entries overflow many of them
    for (int i = 0; i < 4500; i++)
        put(GABION_SET_DETECTOR, "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
    for (int i = 0; i < 4500; i += 7)
        EXPECT_EQ(reason(from("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250))),
                  GABION_REASON_BAN_DETECTOR);
    EXPECT_EQ(reason(from("10.2.0.1")), GABION_REASON_CLEAN);
}

}  // namespace
}  // namespace gabion::test
