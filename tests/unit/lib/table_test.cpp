// SPDX-License-Identifier: Apache-2.0
// The search of a bucket by all its tags at once, held against one that goes from slot to slot.
#include "bpf/lib/table.h"

#include <array>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace gabion::test {
namespace {

constexpr std::uint64_t hash_with_tag(std::uint64_t tag) { return tag << 24; }

TEST(Tags, TheFirstThatMatchesIsFound) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 200'000; round++) {
        // few different tags, so that several match, and some empty slots
        std::uint64_t marks = random() % 256 << GABION_OVERFLOW_SHIFT4;
        std::uint32_t first = GABION_SLOTS4;
        const std::uint32_t tag = 0x80 | random() % 4;
        for (std::uint32_t slot = 0; slot < GABION_SLOTS4; slot++) {
            const std::uint64_t here = random() % 3 == 0 ? 0 : 0x80 | random() % 4;
            marks |= here << 8 * slot;
            if (here == tag && first == GABION_SLOTS4) first = slot;
        }
        const std::uint64_t tagged = gabion_tagged(marks, hash_with_tag(tag));
        ASSERT_EQ(tagged != 0, first < GABION_SLOTS4) << std::hex << marks << " for " << tag;
        if (tagged != 0) {
            ASSERT_EQ(gabion_first_slot(tagged), first) << std::hex << marks << " for " << tag;
        }
    }
}

TEST(Tags, NeitherAnEmptyBucketNorTheOverflowCountMatches) {
    for (std::uint64_t byte = 0; byte < 256; byte++) {
        EXPECT_NE(gabion_tag(hash_with_tag(byte)), 0u);
        EXPECT_EQ(gabion_tagged(0, hash_with_tag(byte)), 0u);
        EXPECT_EQ(gabion_tagged((byte | 0x80) << GABION_OVERFLOW_SHIFT4, hash_with_tag(byte)), 0u);
    }
}

gabion_hash_key any_key() {
    return {.add = 3, .multiply = {0x9e3779b97f4a7c15ull, 5, 7, 9}, .finish = 0xbf58476d1ce4e5b9ull};
}

// Keys of one bucket and one tag, and one more that stands next door: the reader must not stop at the first tag.
TEST(Find, GoesOnBehindAnotherKeyOfTheSameTag) {
    const gabion_hash_key hash = any_key();
    std::array<gabion_bucket4, 4> table{};
    std::vector<std::uint32_t> alike;
    const std::uint64_t wanted = gabion_hash4(&hash, 1);
    for (std::uint32_t key = 1; alike.size() < 4; key++) {
        const std::uint64_t here = gabion_hash4(&hash, key);
        if (gabion_hash_index(here, 3) == gabion_hash_index(wanted, 3) && gabion_tag(here) == gabion_tag(wanted))
            alike.push_back(key);
    }
    const std::uint32_t home = gabion_hash_index(wanted, 3), next = (home + 1) & 3;
    const std::uint64_t tag = gabion_tag(wanted);
    for (std::uint32_t slot : {1u, 3u}) {  // slot 2: a tag whose value is gone
        table[home].key[slot] = alike[slot / 2];
        table[home].value[slot] = 100 + slot;
    }
    table[home].marks = tag << 8 | tag << 16 | tag << 24 | 1ull << GABION_OVERFLOW_SHIFT4;
    table[next].key[5] = alike[2];
    table[next].value[5] = 105;
    table[next].marks = tag << 40;
    const auto value_of = [&](std::uint32_t key) {
        return gabion_found_value(gabion_find4(table.data(), 3, key, gabion_hash4(&hash, key)));
    };
    EXPECT_EQ(value_of(alike[0]), 101u);
    EXPECT_EQ(value_of(alike[1]), 103u);
    EXPECT_EQ(value_of(alike[2]), 105u) << "behind the home bucket";
    EXPECT_EQ(value_of(alike[3]), 0u);
}

}  // namespace
}  // namespace gabion::test
