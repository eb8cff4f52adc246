// SPDX-License-Identifier: Apache-2.0
// From banned sources to their prefix: what counts, what is spared, what it tells.
#include "tests/unit/ban/ban_book_fixture.h"

namespace gabion::ban {
namespace {

class EscalationTest : public BanBookTest {
protected:
    EscalationTest() { book_.set_escalation({5, 600 * second, 3600 * second}); }

    Outcome offend(const char* source, std::uint64_t now, detect::Standing standing = detect::Standing::proven,
                   gabion_set set = GABION_SET_DETECTOR) {
        detect::Evidence evidence = evidence_;
        evidence.standing = standing;
        Order one = quarantine(at(source));
        one.set = set;
        one.evidence = &evidence;
        return book_.apply(one, 60 * second, now);
    }
    bool banned(const char* prefix) { return book_.find(GABION_SET_DETECTOR, at(prefix)).has_value(); }
};

TEST_F(EscalationTest, DistinctProvenOffendersGetTheirPrefixBanned) {
    for (const char* source : {"198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"})
        ASSERT_EQ(offend(source, start), Outcome::added);
    EXPECT_FALSE(banned("198.51.100.0/24")) << "just below";
    offend("198.51.100.4", start + 61 * second);  // again, but the same
    EXPECT_FALSE(banned("198.51.100.0/24"));
    offend("198.51.100.200", start + 62 * second);
    const auto entry = book_.find(GABION_SET_DETECTOR, at("198.51.100.0/24"));
    ASSERT_TRUE(entry);
    EXPECT_STREQ(entry->by, "escalation");
    EXPECT_EQ(entry->until_ns, start + 62 * second + 3600 * second);
    EXPECT_STREQ(entry->evidence.figures[0].name, "offenders");
    EXPECT_EQ(entry->evidence.figures[0].value, 5);
    for (const char* offender : {"198.51.100.1", "198.51.100.4", "198.51.100.200"})
        EXPECT_NE(entry->note.find(offender), std::string::npos) << entry->note;
}

TEST_F(EscalationTest, FiveSpoofedPacketsNeverBanAPrefix) {
    for (int last = 1; last < 255; ++last) {
        const std::string source = "198.51.100." + std::to_string(last);
        offend(source.c_str(), start, detect::Standing::unproven, GABION_SET_QUARANTINE);
        offend(source.c_str(), start, detect::Standing::unproven);
        offend(source.c_str(), start, detect::Standing::consistent, GABION_SET_QUARANTINE);
    }
    EXPECT_FALSE(banned("198.51.100.0/24"));
}

TEST_F(EscalationTest, OffencesOutsideTheWindowDoNotAddUp) {
    std::uint64_t now = start;
    for (int last = 1; last < 40; ++last, now += 151 * second)
        offend(("198.51.100." + std::to_string(last)).c_str(), now);
    EXPECT_FALSE(banned("198.51.100.0/24")) << "never more than four within ten minutes";
}

TEST_F(EscalationTest, AWiderIpv6PrefixCountsItsParts) {
    for (const char* source : {"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8::5"})
        offend(source, start);
    EXPECT_TRUE(banned("2001:db8::/64"));
    EXPECT_FALSE(banned("2001:db8::/56")) << "one /64 is one offender";
    for (const char* source : {"2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1", "2001:db8:0:4::1"})
        offend(source, start + second);
    EXPECT_TRUE(banned("2001:db8::/56"));
    EXPECT_FALSE(banned("2001:db8::/48"));
    for (const char* source : {"2001:db8:0:100::1", "2001:db8:0:200::1", "2001:db8:0:300::1", "2001:db8:0:400::1"})
        offend(source, start + 2 * second);
    EXPECT_TRUE(banned("2001:db8::/48"));
}

TEST_F(EscalationTest, PrefixesWithAllowedOrKnownSourcesAreSpared) {
    ASSERT_TRUE(book_.add(order(GABION_SET_ALLOW, "198.51.100.77"), start));
    std::vector<std::string> told;
    book_.on_escalation(
        [](const Prefix& prefix) {
            return prefix == at("203.0.113.0/24") ? std::string("since it holds a known source") : std::string();
        },
        [&](const Prefix& prefix, Outcome outcome, const std::string&) {
            told.push_back(prefix.text() + " " + name_of(outcome));
        });
    for (int last = 1; last <= 5; ++last) {
        offend(("198.51.100." + std::to_string(last)).c_str(), start);
        offend(("203.0.113." + std::to_string(last)).c_str(), start);
    }
    EXPECT_FALSE(banned("198.51.100.0/24"));
    EXPECT_FALSE(banned("203.0.113.0/24"));
    EXPECT_EQ(told, (std::vector<std::string>{"198.51.100.0/24 refused: on the allow list",
                                              "203.0.113.0/24 refused: known sources in it"}));
}

TEST_F(EscalationTest, TheBlastRadiusHoldsForPrefixesToo) {
    book_.set_blast_radius(200, 60 * second);
    for (int last = 1; last <= 5; ++last)
        offend(("198.51.100." + std::to_string(last)).c_str(), start);
    EXPECT_FALSE(banned("198.51.100.0/24"));
    EXPECT_EQ(book_.counters().refused_radius, 1u);
}

}  // namespace
}  // namespace gabion::ban
