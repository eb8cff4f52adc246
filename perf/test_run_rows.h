// SPDX-License-Identifier: Apache-2.0
// What perf/test_run and perf/stage_cost measure with: rows that take turns in short rounds, and the plainest programs to compare with,
// all under BPF_PROG_TEST_RUN: cache-hot, no driver, in ns a packet.
#pragma once

#include <linux/bpf.h>
#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <bpf/bpf.h>

#include "dataplane/core/fd.h"
#include "tests/support/packet.h"

namespace gabion::perf {

inline constexpr std::uint32_t repeat = 100'000;
inline constexpr int rounds = 41;  // unless the command line says otherwise

// The tables hold one CPU's state.
inline void stay_on_first_cpu() {
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    ::sched_setaffinity(0, sizeof first, &first);
}

// "r0 = VERDICT; exit"
inline UniqueFd bare_program(int verdict) {
    const bpf_insn program[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = verdict},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    LIBBPF_OPTS(bpf_prog_load_opts, options);
    options.expected_attach_type = BPF_XDP;  // as libbpf does: a program that calls another must be of the same kind
    return UniqueFd(bpf_prog_load(BPF_PROG_TYPE_XDP, "bare", "GPL", program, 2, &options));
}

constexpr bpf_insn load_key(std::int32_t word, std::int16_t at) {
    return {.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = 10, .src_reg = 0, .off = at, .imm = word};
}

// A program that looks a key of so many words up in a hash map of `held` entries, the key among them, and passes the packet.
struct HashProgram {
    UniqueFd map, program;

    HashProgram(std::uint32_t words, std::uint32_t held)
        : map(bpf_map_create(BPF_MAP_TYPE_HASH, "hash", 4 * words, 8, held, nullptr)) {
        const std::uint64_t value = 1;
        for (std::uint32_t i = 0; i < held; i++) {
            const std::uint32_t key[4] = {i * 2654435761u, i, i, i};
            bpf_map_update_elem(map.get(), key, &value, BPF_ANY);
        }
        std::vector<bpf_insn> code;
        const std::uint32_t some = held / 2;
        for (std::uint32_t i = 0; i < words; i++)
            code.push_back(load_key(static_cast<std::int32_t>(i == 0 ? some * 2654435761u : some),
                                    static_cast<std::int16_t>(4 * i - 16)));
        const bpf_insn rest[] = {
            {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10, .off = 0, .imm = 0},
            {.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .src_reg = 0, .off = 0, .imm = -16},
            {.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD, .off = 0, .imm = map.get()},
            {.code = 0, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
            {.code = BPF_JMP | BPF_CALL, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = BPF_FUNC_map_lookup_elem},
            {.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 2, .imm = 0},
            {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = XDP_PASS},
            {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
            {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = XDP_ABORTED},
            {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
        code.insert(code.end(), std::begin(rest), std::end(rest));
        program.reset(bpf_prog_load(BPF_PROG_TYPE_XDP, "hash", "GPL", code.data(), code.size(), nullptr));
    }
};

struct Run {
    double ns = 0;
    std::uint32_t verdict = XDP_ABORTED;  // of the last round; also when it cannot be run
};

inline Run test_run(int program, const test::Bytes& frame) {
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.repeat = static_cast<int>(repeat);
    if (bpf_prog_test_run_opts(program, &options) != 0) return {};
    return {static_cast<double>(options.duration), options.retval};
}

inline double bare_cost(int program, const test::Bytes& frame, std::uint32_t verdict) {
    const Run run = test_run(program, frame);
    if (run.verdict != verdict) throw std::runtime_error("a program to compare with does not run as it should");
    return run.ns;
}

struct Row {
    std::string name;
    std::function<double()> measure;
    std::vector<double> results = {};

    [[nodiscard]] double median() const { return results[results.size() / 2]; }
};

class Rows {
public:
    void add(std::string name, std::function<double()> measure) {
        rows_.push_back({std::move(name), std::move(measure)});
    }

    void run(bool print = true, int turns = rounds) {
        for (int turn = 0; turn < turns; turn++)
            for (Row& row : rows_)
                row.results.push_back(row.measure());
        for (Row& row : rows_) {
            std::sort(row.results.begin(), row.results.end());
            if (!print) continue;
            std::printf("%-52s %6.0f ns  (%.0f to %.0f)\n", row.name.c_str(), row.median(), row.results.front(),
                        row.results.back());
        }
    }

    [[nodiscard]] double operator[](std::string_view name) const {
        return std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.name == name; })->median();
    }

private:
    std::vector<Row> rows_;
};

}  // namespace gabion::perf
