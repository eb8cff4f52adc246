// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/address_set.h"

#include <atomic>
#include <chrono>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/ban/host_memory.h"
#include "tests/unit/ban/kernel_reader.h"

namespace gabion::ban {
namespace {

Prefix at(const char* text) { return *Prefix::parse(text); }

Prefix prefix6(unsigned length, std::uint8_t last = 1) {
    Prefix prefix = at("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
    prefix.bytes[1] = last;
    return prefix.shortened(length);
}

class AddressSetTest : public ::testing::Test {
protected:
    testing::HostMemory host_;
    BanMemory memory_ = host_.memory();
    gabion_set_header& header_ = host_.control().set[GABION_SET_OPERATOR];
    AddressSet set_{memory_.set[GABION_SET_OPERATOR], host_.control().hash};

    std::vector<unsigned> lengths6() { return {header_.lengths6, header_.lengths6 + header_.length_count6}; }
};

TEST_F(AddressSetTest, HeaderCountsExactly) {
    EXPECT_EQ(set_.add(at("192.0.2.1"), 5), AddStatus::added);
    EXPECT_EQ(set_.add(at("192.0.2.1"), 6), AddStatus::updated);
    EXPECT_EQ(set_.add(at("2001:db8::1"), 5), AddStatus::added);
    EXPECT_EQ(header_.exact4, 1u);
    EXPECT_EQ(header_.exact6, 1u);
    EXPECT_EQ(header_.length_count4, 0u);
    EXPECT_TRUE(set_.remove(at("192.0.2.1")));
    EXPECT_EQ(header_.exact4, 0u);
    EXPECT_EQ(set_.size(), 1u);
}

TEST_F(AddressSetTest, LengthsAreListedLongestFirstAndTakenOutInSteps) {
    for (const unsigned length : {48u, 64u, 32u, 56u})
        ASSERT_EQ(set_.add(prefix6(length), 5), AddStatus::added);
    EXPECT_EQ(lengths6(), (std::vector<unsigned>{64, 56, 48, 32}));
    ASSERT_TRUE(set_.remove(prefix6(56)));
    EXPECT_EQ(lengths6(), (std::vector<unsigned>{64, 56, 48, 32})) << "costs a probe until it is swept";
    while (set_.compact_lengths()) {
    }
    EXPECT_EQ(lengths6(), (std::vector<unsigned>{64, 48, 32}));
    for (const unsigned length : {64u, 48u, 32u})
        ASSERT_TRUE(set_.remove(prefix6(length)));
    while (set_.compact_lengths()) {
    }
    EXPECT_EQ(header_.length_count6, 0u);
}

TEST_F(AddressSetTest, TooManyLengthsIsToldAndUnusedOnesMakeRoom) {
    for (unsigned length = 20; length < 20 + GABION_PREFIX_LENGTHS_MAX; ++length)
        ASSERT_EQ(set_.add(prefix6(length), 5), AddStatus::added);
    EXPECT_EQ(set_.add(prefix6(100), 5), AddStatus::too_many_lengths);
    EXPECT_FALSE(set_.find(prefix6(100)));
    const Error error = explain(AddStatus::too_many_lengths, prefix6(100), 0, "");
    EXPECT_NE(error.text.find("32 different lengths"), std::string::npos) << error.text;
    ASSERT_TRUE(set_.remove(prefix6(30)));
    EXPECT_EQ(set_.add(prefix6(100), 5), AddStatus::added);
    EXPECT_EQ(header_.length_count6, static_cast<unsigned>(GABION_PREFIX_LENGTHS_MAX));
    EXPECT_EQ(lengths6().front(), 100u);
    const auto list = lengths6();
    EXPECT_TRUE(std::is_sorted(list.rbegin(), list.rend()));
}

TEST_F(AddressSetTest, AllLengthsOfIPv4FitAtATime) {
    for (unsigned length = 0; length < 32; ++length)
        ASSERT_EQ(set_.add(at("255.255.255.255").shortened(length), 5), AddStatus::added) << length;
    EXPECT_EQ(header_.length_count4, 32u);
    std::set<std::string> seen;
    set_.for_each([&](const Prefix& prefix, Place, std::uint32_t) { seen.insert(prefix.text()); });
    EXPECT_EQ(seen.size(), 32u);
    EXPECT_TRUE(seen.count("0.0.0.0/0") && seen.count("255.255.255.254/31"));
}

std::atomic<std::uint64_t> walks{0};

// Every walk that was under way has ended.
void wait_for_walks() {
    const std::uint64_t before = walks.load();
    while (walks.load() < before + 2)
        std::this_thread::yield();
}

// A reader walks the list as the kernel does while lengths come and go: a length that stays in use is met in every walk.
TEST_F(AddressSetTest, AWalkOverTheLengthsSkipsNone) {
    const std::vector<unsigned> stay{96, 64, 48, 24};
    for (const unsigned length : stay)
        ASSERT_EQ(set_.add(prefix6(length), 5), AddStatus::added);
    AddressSet set(memory_.set[GABION_SET_OPERATOR], host_.control().hash, {}, wait_for_walks);
    std::atomic<bool> stop{false};
    std::uint64_t skipped = 0;
    std::thread reader([&] {
        while (!stop.load(std::memory_order_relaxed)) {
            const std::uint32_t count = testing::load_once(header_.length_count6);
            unsigned met = 0;
            for (std::uint32_t i = 0; i < count && i < GABION_PREFIX_LENGTHS_MAX; ++i) {
                const unsigned length = testing::load_once(header_.lengths6[i]);
                for (std::size_t which = 0; which < stay.size(); ++which)
                    met |= length == stay[which] ? 1u << which : 0u;
            }
            skipped += met != 15;
            walks.fetch_add(1, std::memory_order_relaxed);
        }
    });
    std::minstd_rand random(3);
    for (int round = 0; round < 100; ++round) {
        const unsigned length = 20 + static_cast<unsigned>(random() % 100);
        if (std::find(stay.begin(), stay.end(), length) != stay.end()) continue;
        set.add(prefix6(length, 7), 5);
        set.remove(prefix6(length, 7));
        set.compact_lengths();
        wait_for_walks();
    }
    stop = true;
    reader.join();
    EXPECT_EQ(skipped, 0u);
    EXPECT_GT(walks.load(), 500u);
}

TEST_F(AddressSetTest, AuditPutsTheHeaderRight) {
    ASSERT_EQ(set_.add(at("192.0.2.1"), 5), AddStatus::added);
    ASSERT_EQ(set_.add(at("198.51.100.0/24"), 5), AddStatus::added);
    ASSERT_EQ(set_.add(prefix6(40), 5), AddStatus::added);
    header_.exact4 = 7;
    header_.exact6 = 9;
    header_.length_count6 = 200;
    AddressSet after(memory_.set[GABION_SET_OPERATOR], host_.control().hash);
    EXPECT_EQ(after.audit().counters_corrected, 2u);
    EXPECT_EQ(header_.exact4, 1u);
    EXPECT_EQ(header_.exact6, 0u);
    EXPECT_EQ(lengths6(), std::vector<unsigned>{40});
    EXPECT_EQ(header_.length_count4, 1u);
    EXPECT_EQ(header_.lengths4[0], 24u);
}

TEST_F(AddressSetTest, CapacityIsKeptByEachTable) {
    SetLimits limits;
    limits.exact4 = 2;
    AddressSet small(memory_.set[GABION_SET_WATCH], host_.control().hash, limits);
    EXPECT_EQ(small.add(at("10.0.0.1"), 5), AddStatus::added);
    EXPECT_EQ(small.add(at("10.0.0.2"), 5), AddStatus::added);
    EXPECT_EQ(small.add(at("10.0.0.3"), 5), AddStatus::at_capacity);
    EXPECT_EQ(small.add(at("10.0.0.2"), 6), AddStatus::updated);
    EXPECT_EQ(small.add(at("2001:db8::1"), 5), AddStatus::added);
    const Error error = explain(AddStatus::at_capacity, at("10.0.0.3"), 2, "[bans] capacity");
    EXPECT_EQ(error.text, "10.0.0.3 does not fit: 2 IPv4 addresses are the limit; raise [bans] capacity and reload");
}

}  // namespace
}  // namespace gabion::ban
