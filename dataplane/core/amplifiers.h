// SPDX-License-Identifier: Apache-2.0
// The services that are abused as amplifiers and how their answers look, and the tables in which the kernel stage reads it
// (bpf/abi/amplifier.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/abi/amplifier.h"

namespace gabion {

// In the UDP payload: (byte & mask) == value.
struct AmplifierByte {
    std::uint16_t offset = 0;
    std::uint8_t mask = 0xff;
    std::uint8_t value = 0;
};

struct AmplifierRule {
    std::string name;
    std::uint16_t port = 0;      // the service's own, from which it answers
    std::uint16_t shortest = 1;  // UDP payload, bytes
    std::uint16_t longest = 65535;
    std::vector<AmplifierByte> bytes = {};      // all of them
    std::optional<std::uint16_t> nonzero = {};  // offset of four bytes that are not all 0
    std::uint16_t spare_port = 0;               // our port to which unasked packets may come
};

// Several rules may have one name. Facts and their sources stand beside them.
const std::vector<AmplifierRule>& built_in_amplifiers();

// The built-in rules and `own`, which take the place of built-in ones of their name.
std::vector<AmplifierRule> with_own_amplifiers(const std::vector<AmplifierRule>& own);

// Why the kernel stage cannot have these rules; empty when it can.
std::string amplifier_problem(const std::vector<AmplifierRule>& rules);

struct AmplifierMemory {
    std::span<std::uint64_t> ports;
    std::span<std::uint64_t> index;
    std::span<gabion_amp_rule> rules;
};

// Puts rules without a problem in force. The kernel may be reading.
void write_amplifiers(const std::vector<AmplifierRule>& rules, const AmplifierMemory& memory);

}  // namespace gabion
