// SPDX-License-Identifier: Apache-2.0
// A writer may be killed between any two stores. A child process carries out one change in shared memory, one machine instruction
// at a time under ptrace; each state of the memory that this passes through is what a reader, and the next start, may find.
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include "bpf/lib/sets.h"
#include "dataplane/ban/address_set.h"
#include "tests/unit/ban/host_memory.h"

namespace gabion::ban {
namespace {

constexpr std::size_t buckets = 4;

struct Shared {
    gabion_control control;
    gabion_bucket4 exact4[buckets];
    gabion_bucket6 exact6[buckets];
    gabion_bucket4 prefix4[buckets];
    gabion_bucket6 prefix6[buckets];

    SetMemory memory() {
        SetMemory set;
        set.exact4 = exact4;
        set.exact6 = exact6;
        set.prefix4 = prefix4;
        set.prefix6 = prefix6;
        set.header = &control.set[GABION_SET_OPERATOR];
        return set;
    }
};

using Operation = std::function<void(AddressSet&)>;

// Carries out `operation` on `shared` step by step. Empty when tracing is not possible here.
std::vector<Shared> states_of(Shared* shared, const Operation& operation) {
    std::vector<Shared> states{*shared};
    const pid_t child = ::fork();
    if (child == 0) {
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
        AddressSet set(shared->memory(), shared->control.hash);
        ::raise(SIGSTOP);
        operation(set);
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFSTOPPED(status)) return {};
    for (unsigned steps = 0; WIFSTOPPED(status) && steps < 200000; ++steps) {
        if (std::memcmp(&states.back(), shared, sizeof *shared) != 0) states.push_back(*shared);
        if (::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) break;
        ::waitpid(child, &status, 0);
    }
    if (WIFSTOPPED(status)) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        return {};
    }
    return states;
}

// A prefix map that denies nothing: the tables alone are to tell. What a writer does with its own: prefix_map_test.cpp.
struct DeniesNothing {
    std::vector<std::uint64_t> map4 = std::vector<std::uint64_t>(GABION_PREFIX_WORDS4, ~0ull);
    std::vector<gabion_prefix_lengths> lengths4{GABION_PREFIX_BLOCKS4};
    gabion_prefix_line6 map6{};
    gabion_prefix_lengths lengths6{};

    DeniesNothing() {
        std::memset(lengths4.data(), 0xff, lengths4.size() * sizeof lengths4[0]);
        std::memset(&map6, 0xff, sizeof map6);
        std::memset(&lengths6, 0xff, sizeof lengths6);
    }
};

// The value that the kernel finds, with the kernel's own code, of the address or of the first address of the prefix.
std::uint32_t kernel_finds(Shared& shared, const Prefix& target) {
    gabion_settings settings{};
    settings.mask[GABION_SET_OPERATOR] = {buckets - 1, buckets - 1, buckets - 1, buckets - 1};
    static DeniesNothing denies_nothing;
    gabion_tables tables{};
    tables.prefix_map4 = reinterpret_cast<gabion_words>(denies_nothing.map4.data());
    tables.prefix_lengths4 = denies_nothing.lengths4.data();
    tables.prefix_map6 = &denies_nothing.map6;
    tables.prefix_lengths6 = &denies_nothing.lengths6;
    tables.control = &shared.control;
    tables.settings = &settings;
    tables.op_e4 = shared.exact4;
    tables.op_e6 = shared.exact6;
    tables.op_p4 = shared.prefix4;
    tables.op_p6 = shared.prefix6;
    const bool v4 = target.family == Family::v4;
    const std::uint32_t version = v4 ? 4 : 6;
    gabion_address source{};
    std::memcpy(source.word, target.bytes.data(), sizeof source.word);
    const std::uint64_t hash =
        v4 ? gabion_hash4(&shared.control.hash, source.word[0]) : gabion_hash6(&shared.control.hash, source.word);
    gabion_cover cover{};
    // now = 0: every value below 2^30 is an expiry yet to come
    return gabion_found_value(target.is_address() ? gabion_op_exact(source.word, version, &tables, hash, 0)
                                                  : gabion_op_prefix(&cover, source.word, version, &tables, 0));
}

Prefix address4(std::uint32_t number) {
    Prefix prefix;
    prefix.bytes = {10, 9, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
    return prefix;
}

Prefix address6(std::uint32_t number) {
    Prefix prefix = *Prefix::parse("2001:db8::");
    prefix.bytes[15] = static_cast<std::uint8_t>(number);
    return prefix;
}

class KilledWriterTest : public ::testing::Test {
protected:
    void SetUp() override {
        void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ASSERT_NE(memory, MAP_FAILED);
        shared_ = new (memory) Shared{};
        shared_->control.hash = testing::random_hash_key(11);
        AddressSet set(shared_->memory(), shared_->control.hash);
        for (std::uint32_t i = 0; i < buckets * GABION_SLOTS4 - 4; ++i)
            keep(set, address4(i));  // most overflow
        for (std::uint32_t i = 0; i < buckets * GABION_SLOTS6 - 3; ++i)
            keep(set, address6(i));
        for (const char* prefix :
             {"198.51.100.0/24", "203.0.0.0/16", "2001:db8:1::/48", "2001:db8:2:3::/64", "2002::/16"})
            keep(set, *Prefix::parse(prefix));
    }
    void TearDown() override { ::munmap(shared_, sizeof(Shared)); }

    void keep(AddressSet& set, const Prefix& target) {
        ASSERT_EQ(set.add(target, 100), AddStatus::added);
        kept_.push_back(target);
    }

    // In every state: what is not concerned is found, the target has its old or its new value; audit leaves a whole table.
    void check(const Operation& operation, const Prefix& target, std::uint32_t before, std::uint32_t after,
               std::size_t at_least) {
        auto states = states_of(shared_, operation);
        if (states.empty()) GTEST_SKIP() << "ptrace is not possible here";
        EXPECT_GE(states.size(), at_least) << "the change must have been seen in the making";
        std::erase(kept_, target);
        for (Shared& state : states) {
            for (const Prefix& other : kept_)
                ASSERT_EQ(kernel_finds(state, other), 100u) << other.text();
            const std::uint32_t found = kernel_finds(state, target);
            ASSERT_TRUE(found == before || found == after) << found;
            AddressSet next(state.memory(), state.control.hash);
            next.audit();
            for (const Prefix& other : kept_)
                ASSERT_EQ(kernel_finds(state, other), 100u) << other.text();
            ASSERT_EQ(kernel_finds(state, target), found) << "in force stays in force";
            ASSERT_EQ(next.size(), kept_.size() + (found != 0));
            const AuditReport second = next.audit();
            ASSERT_EQ(second.duplicates + second.misplaced + second.counters_corrected, 0u);
            ASSERT_EQ(state.control.set[GABION_SET_OPERATOR].exact4, next.size(TableKind::exact4));
        }
        EXPECT_EQ(kernel_finds(states.front(), target), before);
        EXPECT_EQ(kernel_finds(states.back(), target), after);
    }

    Shared* shared_ = nullptr;
    std::vector<Prefix> kept_;
};

TEST_F(KilledWriterTest, AddingAnAddressThatOverflows) {
    check([](AddressSet& set) { set.add(address4(1000), 7); }, address4(1000), 0, 7, 4);
}

TEST_F(KilledWriterTest, AddingAnIPv6Address) {
    check([](AddressSet& set) { set.add(address6(200), 7); }, address6(200), 0, 7, 4);
}

TEST_F(KilledWriterTest, ChangingAValue) {
    check([](AddressSet& set) { set.add(address4(5), 7); }, address4(5), 100, 7, 2);
}

TEST_F(KilledWriterTest, RemovingAddresses) {
    for (const std::uint32_t number : {0u, 23u})
        check([=](AddressSet& set) { set.remove(address4(number)); }, address4(number), 100, 0, 3);
    check([](AddressSet& set) { set.remove(address6(4)); }, address6(4), 100, 0, 3);
}

TEST_F(KilledWriterTest, ReusingASlot) {
    const Prefix gone = kept_.front();
    AddressSet(shared_->memory(), shared_->control.hash).remove(gone);
    std::erase(kept_, gone);
    check([](AddressSet& set) { set.add(address4(2000), 7); }, address4(2000), 0, 7, 4);
}

TEST_F(KilledWriterTest, APrefixOfANewLengthBetweenTheOthers) {
    const Prefix target = *Prefix::parse("2001:db9:aaaa:bb00::/56");
    check([=](AddressSet& set) { set.add(target, 7); }, target, 0, 7, 6);
}

TEST_F(KilledWriterTest, APrefixOfTheLongestLength) {
    const Prefix target = *Prefix::parse("192.0.2.128/25");
    check([=](AddressSet& set) { set.add(target, 7); }, target, 0, 7, 5);
}

TEST_F(KilledWriterTest, RemovingTheLastPrefixOfALength) {
    const Prefix target = *Prefix::parse("2001:db8:1::/48");
    check(
        [=](AddressSet& set) {
            set.remove(target);
            while (set.compact_lengths()) {
            }
        },
        target, 100, 0, 4);
}

}  // namespace
}  // namespace gabion::ban
