// SPDX-License-Identifier: Apache-2.0
#include "tests/kernel/call_chain.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace gabion::test {
namespace {

constexpr unsigned frames_max = 8;

struct Function {
    std::uint32_t stack = 0;
    std::set<std::size_t> calls;
};

bool is_call(const bpf_insn& one) { return one.code == (BPF_JMP | BPF_CALL) && one.src_reg == BPF_PSEUDO_CALL; }
bool names_function(const bpf_insn& one) {
    return one.code == (BPF_LD | BPF_IMM | BPF_DW) && one.src_reg == BPF_PSEUDO_FUNC;
}

// How far below the frame pointer this reaches: a load, a store, or an address that is formed from a copy of it.
std::uint32_t reach(const bpf_insn& one, bool forms_address) {
    const unsigned kind = BPF_CLASS(one.code);
    int offset = 0;
    if (kind == BPF_LDX && one.src_reg == BPF_REG_10) offset = one.off;
    if ((kind == BPF_ST || kind == BPF_STX) && one.dst_reg == BPF_REG_10) offset = one.off;
    if (forms_address && one.code == (BPF_ALU64 | BPF_ADD | BPF_K)) offset = one.imm;
    return offset < 0 ? static_cast<std::uint32_t>(-offset) : 0;
}

std::map<std::size_t, Function> functions_of(std::span<const bpf_insn> all) {
    std::map<std::size_t, Function> functions{{0, {}}};
    for (std::size_t i = 0; i < all.size(); i++)
        if (is_call(all[i]) || names_function(all[i])) functions[i + 1 + static_cast<std::size_t>(all[i].imm)];
    for (std::size_t i = 0; i < all.size(); i++) {
        Function& in = std::prev(functions.upper_bound(i))->second;
        if (is_call(all[i]) || names_function(all[i])) in.calls.insert(i + 1 + static_cast<std::size_t>(all[i].imm));
        const bool copied = i > 0 && all[i - 1].code == (BPF_ALU64 | BPF_MOV | BPF_X) &&
                            all[i - 1].src_reg == BPF_REG_10 && all[i - 1].dst_reg == all[i].dst_reg;
        in.stack = std::max(in.stack, reach(all[i], copied));
    }
    return functions;
}

CallChain from(const std::map<std::size_t, Function>& functions, std::size_t at, unsigned frames) {
    const Function& here = functions.at(at);
    const std::uint32_t bytes = std::max(1u, (here.stack + stack_rounding - 1) / stack_rounding) * stack_rounding;
    CallChain deepest;
    if (frames < frames_max)
        for (const std::size_t callee : here.calls)
            if (CallChain one = from(functions, callee, frames + 1); one.bytes > deepest.bytes)
                deepest = std::move(one);
    const std::string rest = deepest.bytes > 0 ? " > " + deepest.functions : "";
    return {bytes + deepest.bytes, std::to_string(at) + " (" + std::to_string(bytes) + ")" + rest};
}

}  // namespace

CallChain deepest_chain(std::span<const bpf_insn> instructions) { return from(functions_of(instructions), 0, 1); }

}  // namespace gabion::test
