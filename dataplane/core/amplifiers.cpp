// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/amplifiers.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace gabion {
namespace {

// The bytes as words of four, each a window that begins with the first byte that no earlier window holds and lies within the
// shortest payload.
bool pack(const AmplifierRule& from, gabion_amp_rule& to) {
    std::vector<AmplifierByte> bytes = from.bytes;
    std::stable_sort(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
    unsigned char mask[GABION_AMP_WORDS][4] = {};
    unsigned char value[GABION_AMP_WORDS][4] = {};
    unsigned last = 0;
    for (const AmplifierByte& byte : bytes) {
        if (to.words == 0 || byte.offset >= last + 4u) {
            if (to.words == GABION_AMP_WORDS) return false;
            last = std::min<unsigned>(byte.offset, from.shortest - 4u);
            to.offset[to.words++] = static_cast<__u16>(last);
        }
        mask[to.words - 1][byte.offset - last] |= byte.mask;
        value[to.words - 1][byte.offset - last] |= byte.value;
    }
    for (std::size_t i = 0; i < GABION_AMP_WORDS; ++i) {
        std::memcpy(&to.word[i].mask, mask[i], 4);
        std::memcpy(&to.word[i].value, value[i], 4);
    }
    return true;
}

gabion_amp_rule compiled(const AmplifierRule& from) {
    gabion_amp_rule rule{};
    rule.shortest = from.shortest;
    rule.longest = from.longest;
    rule.spare_port = from.spare_port;
    if (from.nonzero) rule.nonzero = static_cast<__u16>(*from.nonzero + 1);
    pack(from, rule);
    return rule;
}

std::map<std::uint16_t, std::vector<const AmplifierRule*>> by_port(const std::vector<AmplifierRule>& rules) {
    std::map<std::uint16_t, std::vector<const AmplifierRule*>> ports;
    for (const AmplifierRule& rule : rules)
        ports[rule.port].push_back(&rule);
    return ports;
}

template <typename T>
void store(T& place, T value) {
    __atomic_store_n(&place, value, __ATOMIC_RELEASE);
}

}  // namespace

std::vector<AmplifierRule> with_own_amplifiers(const std::vector<AmplifierRule>& own) {
    std::vector<AmplifierRule> rules;
    for (const AmplifierRule& rule : built_in_amplifiers())
        if (std::none_of(own.begin(), own.end(), [&](const auto& other) { return other.name == rule.name; }))
            rules.push_back(rule);
    rules.insert(rules.end(), own.begin(), own.end());
    return rules;
}

std::string amplifier_problem(const std::vector<AmplifierRule>& rules) {
    if (rules.size() >= GABION_AMP_RULES_HALF) return "more than 127 rules, the built-in ones among them";
    for (const AmplifierRule& rule : rules) {
        gabion_amp_rule tried{};
        if (rule.port == 0 || rule.shortest > rule.longest)
            return rule.name + ": a port from 1 and a range of lengths are needed";
        for (const AmplifierByte& byte : rule.bytes)
            if (byte.offset > GABION_AMP_OFFSET_MAX || byte.offset >= rule.shortest || rule.shortest < 4)
                return rule.name + ": the shortest length must hold every byte that is compared, and 4 at least";
        if (rule.nonzero && *rule.nonzero + 4u > rule.shortest)
            return rule.name + ": the shortest length must hold every byte that is compared";
        if (!pack(rule, tried)) return rule.name + ": the bytes lie in more than four places";
    }
    for (const auto& [port, of_port] : by_port(rules))
        if (of_port.size() > GABION_AMP_PORT_MAX)
            return "port " + std::to_string(port) + " has more than " + std::to_string(GABION_AMP_PORT_MAX) + " rules";
    return {};
}

void write_amplifiers(const std::vector<AmplifierRule>& rules, const AmplifierMemory& memory) {
    std::vector<unsigned char> first(std::size_t{GABION_AMP_INDEX_WORDS} * 8);
    std::vector<std::uint64_t> ports(GABION_PORT_WORDS);
    const bool lower_in_use = std::any_of(memory.index.begin(), memory.index.end(), [](std::uint64_t word) {
        for (; word != 0; word >>= 8)
            if ((word & 0xff) != 0) return (word & 0xff) < GABION_AMP_RULES_HALF;
        return false;
    });
    std::size_t slot = lower_in_use ? GABION_AMP_RULES_HALF : 1;
    for (const auto& [port, of_port] : by_port(rules)) {
        first[port] = static_cast<unsigned char>(slot);
        ports[port / 64] |= 1ull << (port % 64);
        for (std::size_t i = 0; i < of_port.size(); ++i) {
            memory.rules[slot] = compiled(*of_port[i]);
            memory.rules[slot++].more = i + 1 < of_port.size();
        }
    }
    for (std::size_t word = 0; word < memory.index.size(); ++word) {
        std::uint64_t slots = 0;
        for (unsigned i = 0; i < 8; ++i)
            slots |= std::uint64_t{first[word * 8 + i]} << (8 * i);
        store(memory.index[word], slots);
    }
    for (std::size_t word = 0; word < memory.ports.size(); ++word)
        store(memory.ports[word], ports[word]);
}

}  // namespace gabion
