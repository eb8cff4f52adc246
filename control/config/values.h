// SPDX-License-Identifier: Apache-2.0
// The kinds of values that keys have: each function makes a Key from its path, what is allowed, and a function that picks the member
// from the target (const or not).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <limits>

#include "control/config/keys.h"
#include "dataplane/core/duration.h"

namespace gabion::config {

inline std::string not_allowed(const std::string& allowed, const toml::node& node) {
    return "must be " + allowed + "; found " + describe(node);
}

// Shortest of the usual notations that reads back as the same number, and as a TOML float or integer.
inline std::string number_text(double value) {
    char text[40];
    for (int digits = 6; digits <= 17; ++digits) {
        std::snprintf(text, sizeof text, "%.*g", digits, value);
        if (std::stod(text) == value) break;
    }
    std::string result(text);
    if (const auto exponent = result.find('e'); exponent != std::string::npos && value < 1e15) {
        std::snprintf(text, sizeof text, "%.0f", value);
        if (std::stod(text) == value) result = text;
    }
    return result;
}

template <typename Target, typename Pick>
Key<Target> boolean(std::string path, bool live, Pick pick) {
    const std::string allowed = "true or false";
    return {std::move(path), allowed, live,
            [=](Target& target, const toml::node& node) -> std::string {
                const auto* value = node.as_boolean();
                if (value == nullptr) return not_allowed(allowed, node);
                pick(target) = value->get();
                return {};
            },
            [=](const Target& target) -> std::string { return pick(target) ? "true" : "false"; }};
}

template <typename Target, typename Pick>
Key<Target> whole(std::string path, bool live, std::uint64_t low, std::uint64_t high, Pick pick) {
    const std::string allowed = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
    return {std::move(path), allowed, live,
            [=](Target& target, const toml::node& node) -> std::string {
                const auto* value = node.as_integer();
                if (value == nullptr || value->get() < 0 || static_cast<std::uint64_t>(value->get()) < low ||
                    static_cast<std::uint64_t>(value->get()) > high)
                    return not_allowed(allowed, node);
                auto& member = pick(target);
                member = static_cast<std::remove_reference_t<decltype(member)>>(value->get());
                return {};
            },
            [=](const Target& target) { return std::to_string(pick(target)); }};
}

template <typename Target, typename Pick>
Key<Target> real(std::string path, bool live, double low, double high, Pick pick) {
    const std::string allowed = "a number from " + number_text(low) + " to " + number_text(high);
    return {std::move(path), allowed, live,
            [=](Target& target, const toml::node& node) -> std::string {
                double number = std::numeric_limits<double>::quiet_NaN();
                if (const auto* value = node.as_floating_point()) number = value->get();
                if (const auto* value = node.as_integer()) number = static_cast<double>(value->get());
                if (!(number >= low && number <= high)) return not_allowed(allowed, node);
                pick(target) = number;
                return {};
            },
            [=](const Target& target) { return number_text(pick(target)); }};
}

template <typename Target, typename Pick>
Key<Target> choice(std::string path, bool live, std::vector<std::string> choices, Pick pick) {
    std::string allowed;
    for (std::size_t i = 0; i < choices.size(); ++i)
        allowed += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + toml_string(choices[i]);
    return {std::move(path), allowed, live,
            [=](Target& target, const toml::node& node) -> std::string {
                const auto* value = node.as_string();
                if (value == nullptr || std::find(choices.begin(), choices.end(), value->get()) == choices.end())
                    return not_allowed(allowed, node);
                pick(target) = value->get();
                return {};
            },
            [=](const Target& target) { return toml_string(pick(target)); }};
}

template <typename Target, typename Pick, typename Valid>
Key<Target> checked_text(std::string path, bool live, std::string allowed, Pick pick, Valid valid) {
    return {std::move(path), allowed, live,
            [=](Target& target, const toml::node& node) -> std::string {
                const auto* value = node.as_string();
                if (value == nullptr || !valid(value->get())) return not_allowed(allowed, node);
                pick(target) = value->get();
                return {};
            },
            [=](const Target& target) { return toml_string(pick(target)); }};
}

inline bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

template <typename Target, typename Pick>
Key<Target> text(std::string path, bool live, std::size_t bytes_max, Pick pick) {
    return checked_text<Target>(
        std::move(path), live, "a text of at most " + std::to_string(bytes_max) + " bytes", pick,
        [=](const std::string& value) { return value.size() <= bytes_max && !has_control(value); });
}

// 107 bytes is what a Unix socket's address holds.
template <typename Target, typename Pick>
Key<Target> path(std::string key, Pick pick) {
    return checked_text<Target>(
        std::move(key), false, "an absolute path of at most 107 bytes", pick, [](const std::string& value) {
            return value.size() > 1 && value.size() <= 107 && value.front() == '/' && !has_control(value);
        });
}

template <typename Target, typename Pick>
Key<Target> interface_name(std::string path, Pick pick) {
    return checked_text<Target>(std::move(path), false, "the name of a network interface, 1 to 15 bytes", pick,
                                [](const std::string& value) { return valid_interface_name(value); });
}

template <typename Target, typename Pick>
Key<Target> duration(std::string path, bool live, std::string_view least, Pick pick) {
    const auto low = *parse_duration(least);
    const std::string allowed = std::string(duration_allowed) + " and at least " + std::string(least);
    return {std::move(path), allowed, live,
            [=](Target& target, const toml::node& node) -> std::string {
                const auto* value = node.as_string();
                if (value == nullptr) return not_allowed("a text: " + allowed, node);
                const auto parsed = parse_duration(value->get());
                if (!parsed || *parsed < low) return not_allowed(allowed, node);
                pick(target) = *parsed;
                return {};
            },
            [=](const Target& target) { return toml_string(duration_text(pick(target))); }};
}

// Numbers of one kind ("CPU", "port"), each at most once.
template <typename Target, typename Pick>
Key<Target> number_list(std::string path, bool is_live, const std::string& kind, unsigned low, unsigned high,
                        Pick pick) {
    const std::string allowed =
        "a list of " + kind + " numbers from " + std::to_string(low) + " to " + std::to_string(high) + ", each once";
    return {std::move(path), allowed, is_live,
            [=](Target& target, const toml::node& node) -> std::string {
                const auto* array = node.as_array();
                if (array == nullptr) return not_allowed(allowed, node);
                std::vector<unsigned> numbers;
                for (const toml::node& item : *array) {
                    const auto* value = item.as_integer();
                    if (value == nullptr || value->get() < low || value->get() > high)
                        return not_allowed(allowed, item);
                    const auto number = static_cast<unsigned>(value->get());
                    if (std::find(numbers.begin(), numbers.end(), number) != numbers.end())
                        return "names " + kind + " " + std::to_string(number) + " twice";
                    numbers.push_back(number);
                }
                pick(target) = std::move(numbers);
                return {};
            },
            [=](const Target& target) {
                std::string list;
                for (const unsigned number : pick(target))
                    list += (list.empty() ? "" : ", ") + std::to_string(number);
                return "[" + list + "]";
            }};
}

template <typename Target, typename Pick>
Key<Target> prefix_list(std::string path, Pick pick) {
    const std::string allowed = R"(a list of addresses and prefixes, like ["192.0.2.1", "2001:db8::/32"])";
    return {std::move(path), allowed, true,
            [=](Target& target, const toml::node& node) -> std::string {
                const auto* array = node.as_array();
                if (array == nullptr) return not_allowed(allowed, node);
                std::vector<Prefix> prefixes;
                std::string problem;
                for (const toml::node& item : *array) {
                    const auto* value = item.as_string();
                    if (value == nullptr) return not_allowed(allowed, item);
                    auto prefix = Prefix::parse(value->get());
                    if (!prefix)
                        problem += (problem.empty() ? "" : "; ") +
                                   ("line " + std::to_string(item.source().begin.line)) + ": " + prefix.error().text;
                    else
                        prefixes.push_back(*prefix);
                }
                if (problem.empty()) pick(target) = std::move(prefixes);
                return problem;
            },
            [=](const Target& target) {
                std::string list;
                for (const Prefix& prefix : pick(target))
                    list += (list.empty() ? "" : ", ") + toml_string(prefix.text());
                return "[" + list + "]";
            }};
}

template <typename Target, typename Pick>
Key<Target> mac_list(std::string path, std::size_t most, Pick pick) {
    const std::string allowed =
        "a list of at most " + std::to_string(most) + R"( MAC addresses, like ["02:00:5e:10:00:01"], each once)";
    return {std::move(path), allowed, true,
            [=](Target& target, const toml::node& node) -> std::string {
                const auto* array = node.as_array();
                if (array == nullptr) return not_allowed(allowed, node);
                if (array->size() > most)
                    return "must be " + allowed + "; found " + std::to_string(array->size()) + " of them";
                std::vector<MacAddress> macs;
                for (const toml::node& item : *array) {
                    const auto* value = item.as_string();
                    const auto mac = value == nullptr ? std::nullopt : parse_mac(value->get());
                    if (!mac) return not_allowed(allowed, item);
                    if (std::find(macs.begin(), macs.end(), *mac) != macs.end())
                        return "names " + mac_text(*mac) + " twice";
                    macs.push_back(*mac);
                }
                pick(target) = std::move(macs);
                return {};
            },
            [=](const Target& target) {
                std::string list;
                for (const MacAddress& mac : pick(target))
                    list += (list.empty() ? "" : ", ") + toml_string(mac_text(mac));
                return "[" + list + "]";
            }};
}

}  // namespace gabion::config
