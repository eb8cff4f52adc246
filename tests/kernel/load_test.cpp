// SPDX-License-Identifier: Apache-2.0
// The objects that are shipped: each loads on the running kernel, stays well below what older verifiers walk, and runs.
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/abi/clock.h"
#include "bpf/abi/cpu.h"
#include "bpf/abi/settings.h"
#include "dataplane/core/clock.h"
#include "tests/kernel/call_chain.h"
#include "tests/kernel/homes.h"
#include "tests/kernel/object.h"

namespace gabion::test {
namespace {

class Load : public ::testing::Test {
protected:
    void SetUp() override {
        if (!KernelPipeline::available()) GTEST_SKIP() << "needs root: loads BPF programs";
        libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
    }

    static std::uint32_t instructions(bpf_object* object) {
        std::uint32_t all = 0;
        bpf_program* program = nullptr;
        bpf_object__for_each_program(program, object) {
            bpf_prog_info info{};
            __u32 length = sizeof(info);
            EXPECT_EQ(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length), 0);
            all += info.verified_insns;
        }
        return all;
    }
};

// By kernel (as in "6.18") and object.
using Record = std::map<std::pair<std::string, std::string>, std::uint32_t>;

Record read_record() {
    Record record;
    std::ifstream file(GABION_VERIFIER_RECORD);
    EXPECT_TRUE(file) << GABION_VERIFIER_RECORD;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string kernel, object;
        std::uint32_t count = 0;
        if (!line.starts_with('#') && words >> kernel >> object >> count) record[{kernel, object}] = count;
    }
    return record;
}

std::string running_kernel() {
    utsname system{};
    uname(&system);
    const std::string release = system.release;
    return release.substr(0, release.find_first_not_of("0123456789", release.find('.') + 1));
}

constexpr std::array objects = {"gabion",   "profile", "gabion_test", "egress", "handback", "syn",
                                "transmit", "inside",  "inside_test", "ports",  "clock"};

TEST_F(Load, EveryObjectLoads) {
    const Record record = read_record();
    for (const char* name : objects) {
        const Object object = open_object(name);
        ASSERT_TRUE(object) << name;
        ASSERT_EQ(bpf_object__load(object.get()), 0) << name;
        const std::uint32_t walked = instructions(object.get());
        // The limit is a million; verifiers of other versions walk up to a few times as much of the same program.
        EXPECT_LT(walked, 300'000u) << name;
        RecordProperty(std::string(name) + "_instructions_walked", static_cast<int>(walked));
        const auto recorded = record.find({running_kernel(), name});
        const bool known = recorded != record.end();
        std::printf("%s: the verifier walked %u instructions, %s\n", name, walked,
                    known ? std::to_string(recorded->second).c_str() : "none recorded for this kernel");
        if (known) {
            EXPECT_LE(walked, recorded->second + recorded->second / 10 + 1) << name << ": see " GABION_VERIFIER_RECORD;
        }
    }
}

TEST_F(Load, ItsCallsFitTheStackOfOlderKernels) {
    for (const char* name : objects) {
        const Object object = open_object(name);
        ASSERT_TRUE(object) << name;
        ASSERT_EQ(bpf_object__load(object.get()), 0) << name;
        bpf_program* program = nullptr;
        bpf_object__for_each_program(program, object.get()) {
            const CallChain chain = deepest_chain({bpf_program__insns(program), bpf_program__insn_cnt(program)});
            EXPECT_LE(chain.bytes, stack_bytes_max) << name << ": " << chain.functions;
            std::printf("%s, %s: %u bytes of stack: %s\n", name, bpf_program__name(program), chain.bytes,
                        chain.functions.c_str());
        }
    }
}

TEST_F(Load, WhatIsSwitchedOffIsRemoved) {
    const Object all = open_object("gabion"), few = open_object("gabion");
    bpf_map* settings = bpf_object__find_map_by_name(few.get(), ".rodata");
    ASSERT_NE(settings, nullptr);
    gabion_settings only_bans{};
    only_bans.features = GABION_FEATURE_BANS;
    ASSERT_EQ(bpf_map__set_initial_value(settings, &only_bans, sizeof(only_bans)), 0);
    ASSERT_EQ(bpf_object__load(all.get()), 0);
    ASSERT_EQ(bpf_object__load(few.get()), 0);
    const auto size = [](bpf_object* object) {
        bpf_prog_info info{};
        __u32 length = sizeof(info);
        const bpf_program* program = bpf_object__find_program_by_name(object, "gabion");
        EXPECT_EQ(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length), 0);
        return info.jited_prog_len;
    };
    EXPECT_LT(size(few.get()), size(all.get()));
}

TEST_F(Load, ThePlainProgramCountsAndPasses) {
    const Object object = open_object("gabion");
    bpf_map* cpus = bpf_object__find_map_by_name(object.get(), "cpus");
    const int possible = libbpf_num_possible_cpus();
    ASSERT_EQ(bpf_map__set_max_entries(cpus, static_cast<__u32>(possible)), 0);
    ASSERT_EQ(bpf_object__load(object.get()), 0);
    const Bytes frame = (Ethernet{} / IPv4{} / TCP{}).padded();
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.repeat = 1;
    const bpf_program* program = bpf_object__find_program_by_name(object.get(), "gabion");
    ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(program), &options), 0);
    EXPECT_EQ(options.retval, static_cast<__u32>(XDP_PASS));
    std::uint64_t received = 0, clean = 0, bytes = 0;
    for (__u32 index = 0; index < static_cast<__u32>(possible); index++) {
        gabion_cpu cpu{};
        ASSERT_EQ(bpf_map_lookup_elem(bpf_map__fd(cpus), &index, &cpu), 0);
        received += cpu.received.packets;
        clean += cpu.reason[GABION_REASON_CLEAN].packets;
        bytes += cpu.received.bytes;
    }
    EXPECT_EQ(received, 1u);
    EXPECT_EQ(clean, 1u);
    EXPECT_EQ(bytes, frame.size());
}

TEST_F(Load, TheClocksMoveTogether) {
    const Object object = open_object("clock");
    ASSERT_EQ(bpf_object__load(object.get()), 0);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    const bpf_program* program = bpf_object__find_program_by_name(object.get(), "read_clock");
    ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(program), &options), 0);
    const int memory = bpf_object__find_map_fd_by_name(object.get(), ".bss");
    const __u32 zero = 0;
    gabion_clock first{}, second{};
    ASSERT_EQ(bpf_map_lookup_elem(memory, &zero, &first), 0);
    usleep(100'000);
    ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(program), &options), 0);
    ASSERT_EQ(bpf_map_lookup_elem(memory, &zero, &second), 0);
    const double elapsed_s = static_cast<double>(second.monotonic_ns - first.monotonic_ns) / 1e9;
    EXPECT_GE(elapsed_s, 0.1);
    EXPECT_GE(second.boot_ns - first.boot_ns, 100'000'000u);
    const auto ticks = static_cast<double>(second.jiffies - first.jiffies);
    EXPECT_NEAR(ticks, elapsed_s * kernel_hz(), 2.0);
}

}  // namespace
}  // namespace gabion::test
