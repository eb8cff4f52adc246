// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/run_time.h"

#include <linux/bpf.h>

#include <array>

#include <bpf/bpf.h>

namespace gabion::map {

Result<RunTime> RunTime::enable() {
    UniqueFd fd(bpf_enable_stats(BPF_STATS_RUN_TIME));
    if (!fd)
        return error_from_errno(errno, "having the kernel count the programs' run time",
                                errno == EPERM ? "it needs CAP_SYS_ADMIN" : "");
    return RunTime(std::move(fd));
}

// A socket filter, not an XDP program: running one of those in a row makes the kernel patch its way into them.
Result<double> RunTime::empty_ns() const {
    constexpr bpf_insn set_result{
        .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0};
    constexpr bpf_insn leave{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0};
    constexpr std::array<bpf_insn, 2> empty{set_result, leave};
    const UniqueFd program(
        bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "gabion_empty", "GPL", empty.data(), empty.size(), nullptr));
    if (!program) return error_from_errno(errno, "loading an empty program");
    const std::array<std::uint8_t, 64> frame{};
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = frame.size();
    options.repeat = 20'000;
    if (bpf_prog_test_run_opts(program.get(), &options) != 0)
        return error_from_errno(errno, "running an empty program");
    const auto runs = runs_of(program.get());
    if (!runs) return runs.error();
    return runs->count == 0 ? 0.0 : static_cast<double>(runs->ns) / static_cast<double>(runs->count);
}

Result<Runs> runs_of(int program_fd) {
    bpf_prog_info info{};
    __u32 length = sizeof info;
    if (bpf_obj_get_info_by_fd(program_fd, &info, &length) != 0)
        return error_from_errno(errno, "asking about a program");
    return Runs{info.run_cnt, info.run_time_ns};
}

}  // namespace gabion::map
