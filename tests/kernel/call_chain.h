// SPDX-License-Identifier: Apache-2.0
// What a program's functions take of the kernel's stack: 512 bytes for any chain of calls (kernel/bpf/verifier.c, MAX_BPF_STACK), which
// Linux before 6.8 counts with each function's part rounded up to 32 bytes. Newer kernels round to 16, so that what fits here may not there.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <span>
#include <string>

namespace gabion::test {

inline constexpr std::uint32_t stack_rounding = 32;
inline constexpr std::uint32_t stack_bytes_max = 512;

struct CallChain {
    std::uint32_t bytes = 0;
    std::string functions;  // by the place of their first instruction, with the bytes of each: "0 (96) > 420 (160)"
};

// The chain of calls that takes the most. `instructions`: a program with all its functions behind it, as libbpf loads it. Functions whose
// address is given to a helper count as called. Deeper than the kernel's 8 frames it is not followed.
CallChain deepest_chain(std::span<const bpf_insn> instructions);

}  // namespace gabion::test
