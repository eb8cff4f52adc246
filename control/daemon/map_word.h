// SPDX-License-Identifier: Apache-2.0
// Writing into maps that the programs are reading: each word at once.
#pragma once

#include <cstdint>
#include <span>

#include "bpf/abi/caps.h"

namespace gabion::daemon {

template <typename Field, typename Value>
void store(Field& field, Value value) noexcept {
    __atomic_store_n(&field, static_cast<Field>(value), __ATOMIC_RELAXED);
}

// The two halves of what is said of a port (GABION_PORT_RULES).
enum class PortRule : unsigned { cap = 0, source_limits = 8 };

// No port has a number in this half any more.
inline void clear_port_rules(std::span<std::uint64_t> words, PortRule half) noexcept {
    const std::uint64_t bits = std::uint64_t{0x00ff00ff00ff00ffu} << static_cast<unsigned>(half);
    for (std::uint64_t& word : words) {
        const std::uint64_t others = word & ~bits;
        if (others != word) store(word, others);
    }
}

// `number`: 1 to 255, of a port that has none in this half.
inline void number_port(std::span<std::uint64_t> words, bool udp, std::uint16_t port, PortRule half,
                        std::uint64_t number) noexcept {
    const std::size_t place = (udp ? 65536u : 0u) + port;
    std::uint64_t& word = words[place / GABION_RULES_PER_WORD];
    store(word, word | number << (place % GABION_RULES_PER_WORD * 16 + static_cast<unsigned>(half)));
}

}  // namespace gabion::daemon
