// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/placement.h"

#include <cstring>
#include <thread>

#include <gtest/gtest.h>

#include "dataplane/worker/frame.h"

namespace gabion::worker {
namespace {

using Cpus = std::vector<unsigned>;

TEST(Placement, CpuListsAsTheKernelWritesThem) {
    EXPECT_EQ(parse_cpu_list("\n"), Cpus{});
    EXPECT_EQ(parse_cpu_list("3\n"), Cpus{3});
    EXPECT_EQ(parse_cpu_list("0-2,8,10-11\n"), (Cpus{0, 1, 2, 8, 10, 11}));
    EXPECT_EQ(parse_cpu_list("x,1-,-2,4"), Cpus{4});
    EXPECT_LE(parse_cpu_list("0-4294967295").size(), 1024u);
}

TEST(Placement, ConfiguredBeforeIsolatedBeforeAll) {
    EXPECT_EQ(place(3, {5}, {2, 3}, {0, 1}), (Cpus{5, 5, 5}));
    EXPECT_EQ(place(3, {}, {2, 3}, {0, 1}), (Cpus{2, 3, 2}));
    EXPECT_EQ(place(2, {}, {}, {0, 1}), (Cpus{0, 1}));
    EXPECT_EQ(place(2, {}, {}, {}), Cpus{});
}

TEST(Placement, UsableCpusCanBePinnedTo) {
    const Cpus usable = usable_cpus();
    ASSERT_FALSE(usable.empty());
    std::thread([&] {
        EXPECT_TRUE(pin_this_thread(usable.back()));
        EXPECT_EQ(usable_cpus(), Cpus{usable.back()});
        EXPECT_FALSE(pin_this_thread(4096));
    }).join();
}

TEST(Placement, WorkersWaitBusilyOnIsolatedCpusUnlessToldOtherwise) {
    const Cpus isolated{2, 3};
    EXPECT_TRUE(waits_busily(BusyWait::isolated, 2, isolated));
    EXPECT_FALSE(waits_busily(BusyWait::isolated, 1, isolated));
    EXPECT_FALSE(waits_busily(BusyWait::isolated, 1, {}));
    EXPECT_TRUE(waits_busily(BusyWait::always, 1, isolated));
    EXPECT_FALSE(waits_busily(BusyWait::never, 2, isolated));
}

TEST(Sample, IsReadFromTheMetadataAndMissingOneStandsForItself) {
    std::uint8_t room[64] = {};
    const gabion_sample written{GABION_SAMPLE_MAGIC, 3, 256, 1234};
    std::memcpy(room, &written, sizeof written);
    const auto read = sample_before(std::span(room).subspan(sizeof written));
    EXPECT_EQ(read.one_in, 256u);
    EXPECT_EQ(read.time_ns, 1234u);
    const auto none = sample_before(std::span(room).subspan(48));
    EXPECT_EQ(none.one_in, 1u);
    EXPECT_EQ(none.time_ns, ~std::uint64_t{0}) << "never late";
}

}  // namespace
}  // namespace gabion::worker
