// SPDX-License-Identifier: Apache-2.0
// The prefix map as the kernel's own code reads it: never denies a prefix that is in force, whatever is added and removed, and
// denies nearly everything else.
#include "dataplane/ban/prefix_map.h"

#include <atomic>
#include <cstring>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "bpf/abi/settings.h"
#include "bpf/lib/cover.h"
#include "dataplane/ban/ban_book.h"
#include "tests/unit/ban/host_memory.h"

namespace gabion::ban {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

class PrefixMapTest : public ::testing::Test {
protected:
    PrefixMapTest() {
        settings_.prefix_mask6 = static_cast<__u32>(memory_.prefix_map.map6.size() - 1);
        tables_.control = memory_.control;
        tables_.settings = &settings_;
        tables_.prefix_map4 = reinterpret_cast<gabion_words>(memory_.prefix_map.map4.data());
        tables_.prefix_lengths4 = memory_.prefix_map.lengths4.data();
        tables_.prefix_map6 = memory_.prefix_map.map6.data();
        tables_.prefix_lengths6 = memory_.prefix_map.lengths6.data();
    }

    const gabion_prefix_lengths* cover(const Prefix& address) const {
        gabion_address source{};
        std::memcpy(source.word, address.bytes.data(), sizeof source.word);
        return address.family == Family::v4 ? gabion_cover4(&tables_, source.word[0])
                                            : gabion_cover6(&tables_, source.word);
    }
    // Whether a look-up for the address would try the prefix's length in that set.
    bool tries(gabion_set set, const Prefix& address, unsigned length) const {
        const gabion_prefix_lengths* const lengths = cover(address);
        return lengths != nullptr && lengths->of_set[set] >> (address.family == Family::v4 ? length : length / 4) & 1;
    }
    Prefix random_address(Family family) {
        Prefix address{.family = family, .length = static_cast<std::uint8_t>(family == Family::v4 ? 32 : 128)};
        for (unsigned i = 0; i < address.width() / 8; ++i)
            address.bytes[i] = static_cast<std::uint8_t>(random_());
        return address;
    }
    // Any address in it, the first and the last among them.
    Prefix inside(const Prefix& prefix, unsigned how) {
        Prefix address = random_address(prefix.family);
        for (unsigned bit = 0; bit < prefix.width(); ++bit) {
            const auto mask = static_cast<std::uint8_t>(0x80u >> bit % 8);
            if (bit >= prefix.length && how == 2) continue;
            const bool set = bit < prefix.length ? (prefix.bytes[bit / 8] & mask) != 0 : how == 1;
            address.bytes[bit / 8] = static_cast<std::uint8_t>((address.bytes[bit / 8] & ~mask) | (set ? mask : 0));
        }
        return address;
    }
    void expect_tried(gabion_set set, const Prefix& prefix) {
        for (unsigned how = 0; how < 6; ++how)
            ASSERT_TRUE(tries(set, inside(prefix, std::min(how, 2u)), prefix.length)) << prefix.text();
    }

    testing::HostMemory host_{{.exact4 = 256, .exact6 = 256, .prefix4 = 1024, .prefix6 = 4096, .bloom_words = 1024}};
    BanMemory memory_ = host_.memory();
    gabion_settings settings_{};
    gabion_tables tables_{};
    std::mt19937 random_{7};
};

TEST_F(PrefixMapTest, CoversAPrefixOfEveryLengthFromTheClaimOn) {
    AddressSet set(memory_.set[GABION_SET_DETECTOR], memory_.control->hash);
    for (const Family family : {Family::v4, Family::v6}) {
        const unsigned width = family == Family::v4 ? 32 : 128;
        for (unsigned length = width - 1; length > 0; --length) {
            const Prefix prefix = random_address(family).shortened(length);
            AddressSet::Claim claim = set.claim(prefix);
            if (claim.status == AddStatus::too_many_lengths) {
                while (set.compact_lengths()) {
                }
                claim = set.claim(prefix);
            }
            ASSERT_EQ(claim.status, AddStatus::added) << prefix.text();
            expect_tried(GABION_SET_DETECTOR, prefix);  // not published yet
            set.publish(claim, GABION_FOREVER);
            EXPECT_FALSE(tries(GABION_SET_OPERATOR, inside(prefix, 0), length)) << "another set";
            ASSERT_TRUE(set.remove(prefix));
        }
    }
}

TEST_F(PrefixMapTest, DeniesWhatNoPrefixHolds) {
    PrefixMap map(memory_.prefix_map, memory_.control->hash);
    map.note(GABION_SET_OPERATOR, *Prefix::parse("198.18.0.0/15"));
    map.note(GABION_SET_OPERATOR, *Prefix::parse("203.0.113.64/26"));
    for (const char* outside : {"198.17.255.255", "198.20.0.0", "203.0.112.255", "203.0.114.0", "0.0.0.0"})
        EXPECT_EQ(cover(*Prefix::parse(outside)), nullptr) << outside;
    EXPECT_NE(cover(*Prefix::parse("203.0.113.1")), nullptr) << "the /24 is the unit";
    for (int i = 0; i < 4096; ++i)  // four a line, as when the tables are full
        map.note(GABION_SET_OPERATOR, random_address(Family::v6).shortened(i % 2 ? 48 : 40));
    int found = 0;
    for (int i = 0; i < 20000; ++i)
        found += cover(random_address(Family::v6)) != nullptr;
    EXPECT_LT(found, 20000 / 32);
    EXPECT_GT(found, 0) << "this proves nothing when nothing was noted";
}

TEST_F(PrefixMapTest, IsMadeAnewWithoutAMomentWithoutWhatStays) {
    BanBook book(memory_, TickClock(250, {1, second}));
    std::vector<Prefix> stays, goes;
    for (int i = 0; i < 400; ++i) {
        const Family family = i % 4 < 2 ? Family::v4 : Family::v6;
        const Prefix prefix = random_address(family).shortened(family == Family::v4 ? 24 : 56);
        Order order;
        order.target = prefix;
        ASSERT_TRUE(book.add(order, second));
        (i % 2 ? stays : goes).push_back(prefix);
    }
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> missed{0}, looked{0};
    std::thread reader([&] {
        do {
            for (const Prefix& prefix : stays)
                missed += cover(prefix) == nullptr;
            looked++;
        } while (!done);
    });
    for (const Prefix& prefix : goes)
        EXPECT_TRUE(book.remove(GABION_SET_OPERATOR, prefix, second));
    for (const Prefix& prefix : goes)
        EXPECT_NE(cover(prefix), nullptr) << "a removal leaves its bits for a while";
    for (int i = 0; i < 3; ++i)
        book.sweep(20 * second);
    done = true;
    reader.join();
    EXPECT_EQ(missed, 0u);
    EXPECT_GT(looked, 0u);
    std::size_t left = 0;
    for (const Prefix& prefix : goes)
        left += cover(prefix) != nullptr;
    EXPECT_LE(left, 4u) << "neighbours in a line of the IPv6 map may share a bit";
    for (const Prefix& prefix : stays)
        expect_tried(GABION_SET_OPERATOR, prefix);
}

TEST_F(PrefixMapTest, IsRightAfterAStartOnAnEmptyMap) {
    const Prefix prefix = *Prefix::parse("203.0.113.0/24");
    EXPECT_EQ(AddressSet(memory_.set[GABION_SET_OPERATOR], memory_.control->hash).add(prefix, GABION_FOREVER),
              AddStatus::added);
    std::fill(memory_.prefix_map.map4.begin(), memory_.prefix_map.map4.end(), 0);
    EXPECT_EQ(cover(*Prefix::parse("203.0.113.9")), nullptr);
    BanBook book(memory_, TickClock(250, {1, second}));
    book.recover(second);
    EXPECT_TRUE(tries(GABION_SET_OPERATOR, *Prefix::parse("203.0.113.9"), 24));
}

}  // namespace
}  // namespace gabion::ban
