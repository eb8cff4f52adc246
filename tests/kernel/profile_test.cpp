// SPDX-License-Identifier: Apache-2.0
// The profiling program: it costs the ordinary one nothing, decides and counts what that would, and times what it says.
#include "bpf/abi/profile.h"

#include <sched.h>

#include <memory>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/abi/cpu.h"
#include "dataplane/counter/stage_times.h"
#include "dataplane/map/kernel_clock.h"
#include "dataplane/map/run_time.h"
#include "tests/kernel/homes.h"

namespace gabion::test {
namespace {

// A shipped program whose maps have room for one CPU, on which this test runs.
class Program {
public:
    explicit Program(const std::string& path, std::uint32_t until = 0)
        : object_(bpf_object__open_file((std::string(GABION_OBJECTS) + path).c_str(), nullptr), bpf_object__close) {
        EXPECT_NE(object_, nullptr) << path;
        if (bpf_map* map = bpf_object__find_map_by_name(object_.get(), ".rodata.profile")) {
            EXPECT_EQ(bpf_map__set_initial_value(map, &until, sizeof until), 0);
        }
        EXPECT_EQ(bpf_object__load(object_.get()), 0) << path;
    }

    [[nodiscard]] int fd() const { return bpf_program__fd(bpf_object__find_program_by_name(object_.get(), "gabion")); }
    [[nodiscard]] int map(const char* name) const { return bpf_object__find_map_fd_by_name(object_.get(), name); }

    [[nodiscard]] bpf_prog_info info() const {
        bpf_prog_info info{};
        __u32 length = sizeof info;
        EXPECT_EQ(bpf_obj_get_info_by_fd(fd(), &info, &length), 0);
        return info;
    }

    [[nodiscard]] std::vector<std::uint64_t> instructions() const {
        bpf_prog_info info{};
        __u32 length = sizeof info;
        std::vector<std::uint64_t> code(this->info().xlated_prog_len / sizeof(bpf_insn));
        info.xlated_prog_insns = reinterpret_cast<std::uintptr_t>(code.data());
        info.xlated_prog_len = static_cast<__u32>(code.size() * sizeof(bpf_insn));
        EXPECT_EQ(bpf_obj_get_info_by_fd(fd(), &info, &length), 0);
        return code;
    }

    std::uint32_t run(const Bytes& frame, int repeat = 1) {
        LIBBPF_OPTS(bpf_test_run_opts, options);
        options.data_in = frame.data();
        options.data_size_in = static_cast<__u32>(frame.size());
        options.repeat = repeat;
        EXPECT_EQ(bpf_prog_test_run_opts(fd(), &options), 0);
        return options.retval;
    }

    template <typename T>
    [[nodiscard]] T value(const char* name) const {
        T value{};
        const __u32 zero = 0;
        EXPECT_EQ(bpf_map_lookup_elem(map(name), &zero, &value), 0);
        return value;
    }

    void panic_on() {
        gabion_control control = value<gabion_control>(".data.control");
        control.panic.trips_below = gabion_trips_below(GABION_PANIC_ON, 0);
        control.panic.drop_threshold = 0xffffffff;
        const __u32 zero = 0;
        EXPECT_EQ(bpf_map_update_elem(map(".data.control"), &zero, &control, BPF_ANY), 0);
    }

private:
    std::unique_ptr<bpf_object, void (*)(bpf_object*)> object_;
};

class Profile : public ::testing::Test {
protected:
    void SetUp() override {
        if (!KernelPipeline::available()) GTEST_SKIP() << "needs root: loads BPF programs";
        libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
        ASSERT_EQ(::sched_getaffinity(0, sizeof before_, &before_), 0);
        cpu_set_t first;
        CPU_ZERO(&first);
        CPU_SET(0, &first);
        ASSERT_EQ(::sched_setaffinity(0, sizeof first, &first), 0);
    }
    void TearDown() override {
        if (KernelPipeline::available()) ::sched_setaffinity(0, sizeof before_, &before_);
    }

private:
    cpu_set_t before_{};
};

std::vector<Bytes> frames() {
    return {(Ethernet{} / IPv4{} / TCP{}).padded(), (Ethernet{} / IPv4{} / UDP{}).padded(),
            (Ethernet{} / IPv6{} / TCP{}).padded(), (Ethernet{} / IPv6{} / UDP{}).padded(), Bytes(60, std::byte{0xff})};
}

TEST_F(Profile, TheOrdinaryProgramIsWhatItWouldBeWithoutMarks) {
    const Program ordinary("/gabion.bpf.o"), unmarked("/../tests/kernel/gabion_unmarked.bpf.o");
    const Program profiling("/profile.bpf.o");
    EXPECT_EQ(ordinary.info().xlated_prog_len, unmarked.info().xlated_prog_len);
    EXPECT_EQ(ordinary.info().jited_prog_len, unmarked.info().jited_prog_len);
    EXPECT_EQ(ordinary.info().verified_insns, unmarked.info().verified_insns);
    EXPECT_EQ(ordinary.info().nr_map_ids, unmarked.info().nr_map_ids);
    EXPECT_GT(profiling.info().xlated_prog_len, ordinary.info().xlated_prog_len) << "or this compares nothing";
    std::printf("xlated %u bytes, with marks %u; the verifier walked %u instructions, with marks %u\n",
                ordinary.info().xlated_prog_len, profiling.info().xlated_prog_len, ordinary.info().verified_insns,
                profiling.info().verified_insns);
    // The same operations one by one; what is loaded (addresses of maps, of functions) differs from load to load.
    const auto one = ordinary.instructions(), other = unmarked.instructions();
    ASSERT_EQ(one.size(), other.size());
    for (std::size_t i = 0; i < one.size(); ++i)
        ASSERT_EQ(one[i] & 0xffff, other[i] & 0xffff) << "instruction " << i;
}

TEST_F(Profile, ItDecidesAndCountsWhatTheOrdinaryOneDoes) {
    Program ordinary("/gabion.bpf.o"), profiling("/profile.bpf.o");
    for (const bool panic : {false, true}) {
        if (panic) {
            ordinary.panic_on();
            profiling.panic_on();
        }
        for (const Bytes& frame : frames())
            for (int i = 0; i < 200; ++i)
                ASSERT_EQ(ordinary.run(frame), profiling.run(frame)) << "packet " << i;
    }
    const auto one = ordinary.value<gabion_cpu>("cpus"), other = profiling.value<gabion_cpu>("cpus");
    EXPECT_EQ(one.received.packets, 2000u);
    for (unsigned reason = 0; reason < GABION_REASON_COUNT; ++reason) {
        EXPECT_EQ(one.reason[reason].packets, other.reason[reason].packets) << reason;
        EXPECT_EQ(one.reason[reason].bytes, other.reason[reason].bytes) << reason;
    }
    EXPECT_GE(one.reason[GABION_REASON_BREAKER].packets, 800u);
    EXPECT_GT(one.reason[GABION_REASON_CLEAN].packets, 0u);
}

std::uint64_t met(const gabion_profile& profile, gabion_stage stage) { return profile.stage[stage].packets; }

TEST_F(Profile, OneIn64IsTimedThroughTheStagesThatItMeets) {
    Program profiling("/profile.bpf.o");
    constexpr int packets = 64 * 10'000;
    profiling.run(frames()[0], packets);
    const auto profile = profiling.value<gabion_profile>("profile");
    const auto timed = met(profile, GABION_STAGE_CLOCK);
    EXPECT_NEAR(static_cast<double>(timed), packets / 64.0, 500);  // the gaps' standard error is 0.6 % of it
    for (const gabion_stage stage : {GABION_STAGE_LINK, GABION_STAGE_SOURCE, GABION_STAGE_BREAKER, GABION_STAGE_ALLOW,
                                     GABION_STAGE_BANS, GABION_STAGE_PLAIN, GABION_STAGE_EXIT})
        EXPECT_EQ(met(profile, stage), timed) << stage;
    EXPECT_EQ(met(profile, GABION_STAGE_PARSE), 0u) << "a plain packet needs no whole parsing";
    const counter::StageTimes times = counter::stage_times({&profile, 1});
    EXPECT_GT(times.clock_ns, 0);
    EXPECT_GT(times.packet_ns, 0);
    for (const counter::StageCost& cost : times.stages)
        EXPECT_LT(cost.median_ns, 1000) << cost.name;
}

TEST_F(Profile, WhatLeavesEarlyHasNoTimesOfLaterStages) {
    Program profiling("/profile.bpf.o");
    profiling.panic_on();
    profiling.run(frames()[3], 64 * 100);
    const auto profile = profiling.value<gabion_profile>("profile");
    EXPECT_GT(met(profile, GABION_STAGE_BREAKER), 0u);
    EXPECT_EQ(met(profile, GABION_STAGE_EXIT), met(profile, GABION_STAGE_BREAKER));
    EXPECT_EQ(met(profile, GABION_STAGE_ALLOW) + met(profile, GABION_STAGE_BANS), 0u);
}

TEST_F(Profile, AfterItsTimeItTimesNothing) {
    const auto clock = map::KernelClock::open();
    ASSERT_TRUE(clock) << clock.error().text;
    const auto sample = clock->sample();
    ASSERT_TRUE(sample) << sample.error().text;
    const auto now = static_cast<std::uint32_t>(sample->jiffies);
    for (const auto& [ahead, times] : {std::pair{+100'000u, true}, {-100'000u, false}}) {
        Program profiling("/profile.bpf.o", now + ahead);
        profiling.run(frames()[0], 64 * 100);
        EXPECT_EQ(met(profiling.value<gabion_profile>("profile"), GABION_STAGE_CLOCK) > 0, times) << ahead;
        EXPECT_EQ(profiling.value<gabion_cpu>("cpus").reason[GABION_REASON_CLEAN].packets, 6400u);
    }
}

TEST_F(Profile, TheKernelsStatisticsAreOnWhileAskedFor) {
    const auto statistics = map::RunTime::enable();
    ASSERT_TRUE(statistics) << statistics.error().text;
    const auto empty = statistics->empty_ns();
    ASSERT_TRUE(empty) << empty.error().text;
    EXPECT_GT(*empty, 0);
    EXPECT_LT(*empty, 2000);
    Program ordinary("/gabion.bpf.o");
    ordinary.run(frames()[0], 10'000);
    const auto runs = map::runs_of(ordinary.fd());
    ASSERT_TRUE(runs);
    EXPECT_EQ(runs->count, 10'000u);
    EXPECT_GT(static_cast<double>(runs->ns) / 10'000, *empty);
    std::printf("an empty program %.1f ns, the ordinary one %.1f ns, by the kernel's statistics\n", *empty,
                static_cast<double>(runs->ns) / 10'000);
}

}  // namespace
}  // namespace gabion::test
