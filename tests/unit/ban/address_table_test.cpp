// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/address_table.h"

#include <chrono>
#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/core/address.h"
#include "tests/unit/ban/host_memory.h"
#include "tests/unit/ban/kernel_reader.h"

namespace gabion::ban {
namespace {

using testing::random_hash_key;
using testing::read4;
using testing::read6;

using Random = std::independent_bits_engine<std::mt19937, 32, std::uint32_t>;

Table6::Key key6(std::uint32_t number) { return {0x20010db8u, number * 2654435761u, number, ~number}; }

TEST(AddressTable, KeysStandAsInThePacket) {
    std::vector<gabion_bucket4> memory4(1);
    std::vector<gabion_bucket6> memory6(1);
    const auto hash = random_hash_key(7);
    Table4 table4(memory4, hash);
    Table6 table6(memory6, hash);
    ASSERT_TRUE(table4.insert(Prefix::parse("192.0.2.1")->key4(), 5));
    ASSERT_TRUE(table6.insert(Prefix::parse("2001:db8::ff01")->key6(), 6));
    const std::uint8_t packet4[4] = {192, 0, 2, 1};
    const std::uint8_t packet6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x01};
    EXPECT_EQ(std::memcmp(&memory4[0].key[0], packet4, 4), 0);
    EXPECT_EQ(std::memcmp(&memory6[0].key[0], packet6, 16), 0);
    EXPECT_EQ(read4(memory4, hash, packet4), 5u);
    EXPECT_EQ(read6(memory6, hash, packet6), 6u);
    const std::uint8_t swapped[4] = {1, 2, 0, 192};
    EXPECT_EQ(read4(memory4, hash, swapped), 0u);
}

TEST(AddressTable, UpdateKeepsThePlaceAndEraseEmptiesIt) {
    std::vector<gabion_bucket4> memory(16);
    const auto hash = random_hash_key(2);
    Table4 table(memory, hash);
    const auto first = table.insert(99, 1);
    ASSERT_TRUE(first);
    EXPECT_EQ(table.insert(99, 2), first);
    EXPECT_EQ(table.size(), 1u);
    EXPECT_EQ(table.value(*first), 2u);
    EXPECT_EQ(table.key(*first), 99u);
    EXPECT_TRUE(table.erase(99));
    EXPECT_FALSE(table.erase(99));
    EXPECT_EQ(table.size(), 0u);
    EXPECT_EQ(read4(memory, hash, "c\0\0\0"), 0u);
}

TEST(AddressTable, FillsEverySlotThenRefusesAndRecovers) {
    constexpr std::uint32_t room = 8 * GABION_SLOTS4;  // with 8 buckets a probe meets every one
    std::vector<gabion_bucket4> memory(8);
    const auto hash = random_hash_key(3);
    Table4 table(memory, hash);
    for (std::uint32_t key = 0; key < room; ++key)
        ASSERT_TRUE(table.insert(key, key + 1)) << key;
    EXPECT_FALSE(table.insert(1000, 1));
    for (std::uint32_t key = 0; key < room; ++key)
        EXPECT_EQ(read4(memory, hash, &key), key + 1);
    ASSERT_TRUE(table.erase(17));
    EXPECT_TRUE(table.insert(1000, 1));
    std::uint32_t rivals = 0;
    table.for_each_rival(1001, [&](std::uint32_t, std::uint32_t) { ++rivals; });
    EXPECT_EQ(rivals, room);
}

TEST(AddressTable, AbandonedClaimLeavesNothing) {
    std::vector<gabion_bucket4> memory(8);
    const auto hash = random_hash_key(4);
    Table4 table(memory, hash);
    for (std::uint32_t key = 0; key < 40; ++key)
        ASSERT_TRUE(table.insert(key, 1));
    const auto before = memory;
    const auto claim = table.claim(77);
    ASSERT_TRUE(claim);
    EXPECT_TRUE(claim->is_new);
    EXPECT_FALSE(table.find(77)) << "a claim is not in force";
    table.abandon(*claim);
    for (std::size_t i = 0; i < memory.size(); ++i)
        EXPECT_EQ(memory[i].marks, before[i].marks);
    EXPECT_EQ(table.audit().counters_corrected, 0u);
}

template <typename Table, typename MakeKey>
void random_operations_match_a_map(Table& table, MakeKey make_key, unsigned seed) {
    std::map<typename Table::Key, std::uint32_t> oracle;
    Random random(seed);
    const std::uint32_t keys = static_cast<std::uint32_t>(table.slots()) * 9 / 8;  // more than fit
    unsigned refused = 0;
    for (int i = 0; i < 60000; ++i) {
        const auto key = make_key(random() % keys);
        if (random() % 5 < 3) {
            const std::uint32_t value = random() | 1;
            if (table.insert(key, value)) {
                oracle[key] = value;
            } else {
                EXPECT_EQ(oracle.count(key), 0u) << "an entry that is there can always be updated";
                ++refused;
            }
        } else {
            EXPECT_EQ(table.erase(key), oracle.erase(key) == 1);
        }
        EXPECT_EQ(table.size(), oracle.size());
    }
    for (std::uint32_t i = 0; i < keys; ++i) {
        const auto found = table.find(make_key(i));
        const auto expected = oracle.find(make_key(i));
        ASSERT_EQ(found.has_value(), expected != oracle.end()) << i;
        if (found) {
            EXPECT_EQ(table.value(*found), expected->second);
        }
    }
    std::size_t visited = 0;
    table.for_each([&](std::uint32_t, const typename Table::Key& key, std::uint32_t value) {
        EXPECT_EQ(oracle.at(key), value);
        ++visited;
    });
    EXPECT_EQ(visited, oracle.size());
    const AuditReport report = table.audit();
    EXPECT_EQ(report.entries, oracle.size());
    EXPECT_EQ(report.duplicates + report.misplaced + report.counters_corrected, 0u) << "overflow is counted exactly";
}

TEST(AddressTable, RandomOperationsMatchAMap) {
    for (const std::size_t buckets : {1, 2, 8, 64}) {
        std::vector<gabion_bucket4> memory4(buckets);
        std::vector<gabion_bucket6> memory6(buckets);
        const auto hash = random_hash_key(buckets);
        Table4 table4(memory4, hash);
        Table6 table6(memory6, hash);
        random_operations_match_a_map(
            table4, [](std::uint32_t i) { return i * 2654435761u; }, 1);
        random_operations_match_a_map(table6, key6, 2);
    }
}

// While one thread inserts and erases, another looks up: keys that stay are always found, keys that never were never are.
TEST(AddressTable, AReaderNeverMissesWhatStaysNorFindsWhatNeverWas) {
    std::vector<gabion_bucket4> memory4(64);
    std::vector<gabion_bucket6> memory6(64);
    const auto hash = random_hash_key(5);
    Table4 table4(memory4, hash);
    Table6 table6(memory6, hash);
    constexpr std::uint32_t stay = 100;
    for (std::uint32_t i = 0; i < stay; ++i) {
        ASSERT_TRUE(table4.insert(i, 7));
        if (i < stay / 2) {
            ASSERT_TRUE(table6.insert(key6(i), 7));
        }
    }
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> rounds{0};
    std::uint64_t misses = 0;
    std::uint64_t phantoms = 0;
    std::thread reader([&] {
        while (!stop.load(std::memory_order_relaxed)) {
            for (std::uint32_t i = 0; i < stay; ++i) {
                misses += read4(memory4, hash, &i) == 0;
                if (i < stay / 2) misses += read6(memory6, hash, key6(i).data()) == 0;
                const std::uint32_t never = i + 1000000;
                phantoms += read4(memory4, hash, &never) != 0;
                phantoms += read6(memory6, hash, key6(never).data()) != 0;
            }
            rounds.fetch_add(1, std::memory_order_relaxed);
        }
    });
    Random random(6);
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(400);
    while (std::chrono::steady_clock::now() < end || rounds.load() < 50) {
        for (int i = 0; i < 1000; ++i) {
            const std::uint32_t key = stay + random() % 450;
            if (random() % 3 != 0) {
                table4.insert(key, 9);
                table6.insert(key6(key), 9);
            } else {
                table4.erase(key);
                table6.erase(key6(key));
            }
        }
    }
    stop = true;
    reader.join();
    EXPECT_EQ(misses, 0u);
    EXPECT_EQ(phantoms, 0u);
}

TEST(AddressTable, AuditDropsWhatCannotBeAndKeepsTheRest) {
    std::vector<gabion_bucket4> memory(64);
    const auto hash = random_hash_key(8);
    Table4 table(memory, hash);
    for (std::uint32_t key = 0; key < 300; ++key)
        ASSERT_TRUE(table.insert(key, 1));
    // a copy behind an entry, an entry far from home, counters off in both directions
    const std::uint32_t home = gabion_hash_index(gabion_hash4(&hash, 5), 63);
    const auto place = [&](std::uint32_t bucket, std::uint32_t key) {
        for (unsigned slot = 0; slot < GABION_SLOTS4; ++slot) {
            if (memory[bucket].value[slot] != 0) continue;
            memory[bucket].key[slot] = key;
            memory[bucket].value[slot] = 1;
            return true;
        }
        return false;
    };
    bool copied = false;
    for (std::uint32_t step = 1; step <= GABION_PROBE_MAX && !copied; ++step)
        copied = place((home + step) & 63, 5);
    bool astray = false;
    for (std::uint32_t step = 20; step < 40 && !astray; ++step)
        astray = place((gabion_hash_index(gabion_hash4(&hash, 12345), 63) + step) & 63, 12345);
    ASSERT_TRUE(copied && astray);
    memory[3].marks += 5ull << GABION_OVERFLOW_SHIFT4;
    Table4 after(memory, hash);
    const AuditReport report = after.audit();
    EXPECT_EQ(report.entries, 300u);
    EXPECT_EQ(report.duplicates, 1u);
    EXPECT_EQ(report.misplaced, 1u);
    EXPECT_EQ(report.counters_corrected, 1u);
    EXPECT_EQ(after.size(), 300u);
    for (std::uint32_t key = 0; key < 300; ++key)
        EXPECT_EQ(read4(memory, hash, &key), 1u);
}

TEST(AddressTable, AMillionEntriesFitAndLoadFast) {
    std::vector<gabion_bucket4> memory(1u << 18);
    const auto hash = random_hash_key(9);
    Table4 table(memory, hash);
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint32_t i = 0; i < 1000000; ++i)
        ASSERT_TRUE(table.insert(i * 2654435761u, 1));
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(table.size(), 1000000u);
    EXPECT_LT(took, std::chrono::milliseconds(3000)) << "wall time; about 100 ms on an idle machine";
    for (std::uint32_t i = 0; i < 1000000; i += 97) {
        const std::uint32_t key = i * 2654435761u;
        ASSERT_EQ(read4(memory, hash, &key), 1u);
    }
    const auto audit_begin = std::chrono::steady_clock::now();
    EXPECT_EQ(table.audit().entries, 1000000u);
    EXPECT_LT(std::chrono::steady_clock::now() - audit_begin, std::chrono::milliseconds(3000));
}

TEST(AddressTable, AnEmptyTableHoldsNothing) {
    const auto hash = random_hash_key(1);
    Table4 table({}, hash);
    EXPECT_FALSE(table.find(1));
    EXPECT_FALSE(table.insert(1, 1));
    EXPECT_FALSE(table.erase(1));
    EXPECT_EQ(table.audit().entries, 0u);
}

}  // namespace
}  // namespace gabion::ban
