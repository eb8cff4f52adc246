// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ban/bloom.h"

#include <atomic>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>

#include "dataplane/ban/address_set.h"
#include "tests/unit/ban/host_memory.h"
#include "tests/unit/ban/kernel_reader.h"

namespace gabion::ban {
namespace {

constexpr std::uint64_t hour = 3600'000'000'000;

Prefix address(std::uint32_t number) {
    Prefix prefix;
    const std::uint32_t word = number * 2654435761u;
    std::memcpy(prefix.bytes.data(), &word, 4);
    return prefix;
}

class BloomTest : public ::testing::Test {
protected:
    testing::HostMemory host_{{1024, 64, 64, 64, 4096}};
    BanMemory memory_ = host_.memory();
};

TEST_F(BloomTest, KnownSourcesAreForgottenAfterOneToTwoLifetimes) {
    KnownSources known(&host_.control(), memory_.known_bloom, hour, 0);
    EXPECT_FALSE(known.contains(address(1)));
    EXPECT_EQ(host_.control().known_active, 0u);
    known.add(address(1));
    EXPECT_EQ(host_.control().known_active, 1u);
    EXPECT_TRUE(known.contains(address(1)));
    EXPECT_FALSE(known.sweep(hour - 1));
    EXPECT_TRUE(known.sweep(hour));
    EXPECT_TRUE(known.contains(address(1)));
    known.add(address(2));
    EXPECT_TRUE(known.sweep(2 * hour));
    EXPECT_FALSE(known.contains(address(1)));
    EXPECT_TRUE(known.contains(address(2)));
    KnownSources after_restart(&host_.control(), memory_.known_bloom, hour, 3 * hour);
    EXPECT_TRUE(after_restart.contains(address(2)));
    after_restart.clear();
    EXPECT_FALSE(after_restart.contains(address(2)));
}

TEST_F(BloomTest, AFullFilterRotatesEarly) {
    KnownSources known(&host_.control(), memory_.known_bloom, hour, 0);
    std::uint32_t added = 0;
    while (!known.sweep(1))
        known.add(address(added++));
    EXPECT_GT(added, 4096u * 8) << "eight a word at least";
    EXPECT_LT(added, 4096u * 16);
    EXPECT_TRUE(known.contains(address(0))) << "still in the other generation";
}

TEST_F(BloomTest, UnknownSourcesSeldomPassForKnown) {
    KnownSources known(&host_.control(), memory_.known_bloom, hour, 0);
    for (std::uint32_t i = 0; i < 4096 * 4; ++i)
        known.add(address(i));
    unsigned wrong = 0;
    for (std::uint32_t i = 0; i < 100000; ++i)
        wrong += known.contains(address(1'000'000 + i));
    EXPECT_LT(wrong, 1000u) << "about 0.5 % at four a word, Poisson over words included";
    for (std::uint32_t i = 0; i < 4096 * 4; ++i)
        ASSERT_TRUE(known.contains(address(i)));
}

// A reader that does what the kernel does never sees an allowed address missing while the filter is rebuilt over and over.
TEST_F(BloomTest, ARebuildHidesNothing) {
    AddressSet allow(memory_.set[GABION_SET_ALLOW], host_.control().hash);
    AllowBloom bloom(&host_.control(), memory_.allow_bloom);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        bloom.add(address(i));
        ASSERT_EQ(allow.add(address(i), GABION_ALLOW_ENTRY), AddStatus::added);
    }
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> looks{0};
    std::uint64_t misses = 0;
    std::thread reader([&] {
        while (!stop.load(std::memory_order_relaxed)) {
            for (std::uint32_t i = 0; i < 1000; ++i) {
                const std::uint64_t hash = gabion_hash4(&host_.control().hash, address(i).key4());
                const std::uint64_t bits = gabion_bloom_bits(hash);
                const std::uint32_t generation = testing::load_once(host_.control().allow_bloom);
                const std::uint64_t word =
                    testing::load_once(memory_.allow_bloom[generation * 4096 + gabion_hash_index(hash, 4095)]);
                misses += (word & bits) != bits && testing::load_once(host_.control().allow_bloom) == generation;
            }
            looks.fetch_add(1);
        }
    });
    for (int round = 0; round < 100 || looks.load() < 20; ++round) {
        bloom.add(address(5000 + static_cast<std::uint32_t>(round)));
        bloom.note_removal();
        bloom.rebuild(allow);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    stop = true;
    reader.join();
    EXPECT_EQ(misses, 0u);
    EXPECT_FALSE(bloom.maybe(address(5000)) && bloom.maybe(address(5001)) && bloom.maybe(address(5002)));
}

TEST_F(BloomTest, PrefixesLeaveTheFilterEmpty) {
    AllowBloom bloom(&host_.control(), memory_.allow_bloom);
    bloom.add(*Prefix::parse("2001:db8::/32"));
    bloom.add(*Prefix::parse("198.51.100.0/24"));
    for (const std::uint64_t word : memory_.allow_bloom)
        EXPECT_EQ(word, 0u);
}

}  // namespace
}  // namespace gabion::ban
