// SPDX-License-Identifier: Apache-2.0
// Tables of other sizes: everything in force moves, what was counted goes on, and what does not fit changes nothing.
#include "tests/unit/ban/ban_book_fixture.h"

namespace gabion::ban {
namespace {

class BanBookMoveTest : public BanBookTest {
protected:
    // The header, the hash and the Bloom filters stay; tables of addresses and prefixes, and what lies beside them, are others.
    BanMemory elsewhere(testing::HostMemory& other) {
        BanMemory memory = other.memory();
        memory.control = &host_.control();
        memory.known_bloom = memory_.known_bloom;
        for (unsigned i = 0; i < GABION_SET_COUNT; ++i)
            memory.set[i].header = memory_.set[i].header;
        return memory;
    }
    std::array<SetLimits, GABION_SET_COUNT> limits(std::uint32_t addresses) {
        std::array<SetLimits, GABION_SET_COUNT> all{};
        for (SetLimits& one : all)
            one.exact4 = addresses;
        return all;
    }
    void fill(std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; ++i) {
            Order order;
            order.target = address4(i);
            order.until_ns = start + (100 + i) * second;
            order.note = "number " + std::to_string(i);
            ASSERT_TRUE(book_.add(order, start));
        }
        ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "198.51.100.0/24"), start));
        ASSERT_TRUE(book_.add(order(GABION_SET_ALLOW, "203.0.113.1"), start));
        ASSERT_TRUE(in_force(book_.apply(quarantine(at("192.0.2.9")), 60 * second, start)));
    }
};

TEST_F(BanBookMoveTest, EverythingInForceMovesUpAndDown) {
    fill(500);
    for (const std::size_t buckets : {std::size_t{4096}, std::size_t{128}}) {
        testing::HostMemory other({.exact4 = buckets, .exact6 = buckets, .prefix4 = 128, .prefix6 = 128});
        auto moved = book_.copy_to(elsewhere(other), limits(600));
        ASSERT_TRUE(moved) << moved.error().text;
        book_.exchange(*moved);
        const BanMemory memory = elsewhere(other);
        for (std::uint32_t i = 0; i < 500; ++i) {
            const Prefix target = address4(i);
            const std::uint32_t value =
                testing::read4(memory.set[GABION_SET_OPERATOR].exact4, host_.control().hash, target.bytes.data());
            EXPECT_TRUE(book_.clock().in_force(value, start + 50 * second)) << target.text();
            EXPECT_EQ(book_.find(GABION_SET_OPERATOR, target)->note, "number " + std::to_string(i));
        }
        EXPECT_EQ(book_.size(GABION_SET_OPERATOR), 501u);
        EXPECT_EQ(host_.control().set[GABION_SET_OPERATOR].exact4, 500u);
        EXPECT_TRUE(book_.set(GABION_SET_OPERATOR).find(at("198.51.100.0/24")));
        EXPECT_EQ(book_.find(GABION_SET_QUARANTINE, at("192.0.2.9"))->rate_pps, 100);
        EXPECT_TRUE(AllowBloom(&host_.control(), memory.allow_bloom).maybe(at("203.0.113.1")));
        // What follows goes to the new ones.
        EXPECT_TRUE(book_.remove(GABION_SET_OPERATOR, address4(0), start));
        Order again = order(GABION_SET_OPERATOR, "10.0.0.0", start + 100 * second);
        again.note = "number 0";
        ASSERT_TRUE(book_.add(again, start));
        book_.exchange(*moved);  // back, so that the next size starts from the same
        book_.remove(GABION_SET_OPERATOR, address4(0), start);
        ASSERT_TRUE(book_.add(again, start));
    }
}

TEST_F(BanBookMoveTest, HitsAndWhatPassedAreNeitherLostNorCountedTwice) {
    fill(10);
    const auto hits = [&](std::uint32_t i) {
        return book_.set(GABION_SET_OPERATOR).hits(*book_.set(GABION_SET_OPERATOR).find(address4(i)));
    };
    const auto state = [&] {
        return book_.set(GABION_SET_QUARANTINE).state(*book_.set(GABION_SET_QUARANTINE).find(at("192.0.2.9")));
    };
    *hits(3) = 1000;
    state()->hits = 70;
    state()->passed = 7;
    state()->schedule = 12345;
    testing::HostMemory other({.exact4 = 1024});
    auto moved = book_.copy_to(elsewhere(other), limits(600));
    ASSERT_TRUE(moved);
    *hits(3) += 10;  // the program that still reads the former tables counts there
    book_.exchange(*moved);
    *hits(3) += 5;  // and the new one here
    state()->hits += 2;
    EXPECT_EQ(state()->schedule, 12345u) << "a quarantined source does not begin anew";
    book_.add_hits_of(*moved);
    EXPECT_EQ(*hits(3), 1015u);
    EXPECT_EQ(*hits(4), 0u);
    EXPECT_EQ(state()->hits, 72u);
    EXPECT_EQ(state()->passed, 7u);
}

TEST_F(BanBookMoveTest, AFailedResizeLeavesTheOldTablesInForceAndSaysSo) {
    fill(500);
    testing::HostMemory other({.exact4 = 1024});
    const auto refused = book_.copy_to(elsewhere(other), limits(499));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text,
              "[bans] capacity: 500 IPv4 addresses are in force (operator), which find no room in a table of 499");
    testing::HostMemory tiny({.exact4 = 64});
    EXPECT_FALSE(book_.copy_to(elsewhere(tiny), limits(~0u)));
    EXPECT_TRUE(dropped(GABION_SET_OPERATOR, "10.0.1.1", start));
    EXPECT_EQ(book_.size(GABION_SET_OPERATOR), 501u);
    EXPECT_EQ(host_.control().set[GABION_SET_OPERATOR].exact4, 500u);
    ASSERT_TRUE(book_.add(order(GABION_SET_OPERATOR, "10.9.9.9"), start));
    EXPECT_TRUE(dropped(GABION_SET_OPERATOR, "10.9.9.9", start));
}

}  // namespace
}  // namespace gabion::ban
