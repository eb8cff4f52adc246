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

template <typename Target, typename Pick>
Key<Target> cpu_list(std::string path, Pick pick) {
    const std::string allowed = "a list of CPU numbers from 0 to 4095, each once";
    return {std::move(path), allowed, false,
            [=](Target& target, const toml::node& node) -> std::string {
                const auto* array = node.as_array();
                if (array == nullptr) return not_allowed(allowed, node);
                std::vector<unsigned> cpus;
                for (const toml::node& item : *array) {
                    const auto* value = item.as_integer();
                    if (value == nullptr || value->get() < 0 || value->get() > 4095) return not_allowed(allowed, item);
                    const auto cpu = static_cast<unsigned>(value->get());
                    if (std::find(cpus.begin(), cpus.end(), cpu) != cpus.end())
                        return "names CPU " + std::to_string(cpu) + " twice";
                    cpus.push_back(cpu);
                }
                pick(target) = std::move(cpus);
                return {};
            },
            [=](const Target& target) {
                std::string list;
                for (const unsigned cpu : pick(target))
                    list += (list.empty() ? "" : ", ") + std::to_string(cpu);
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
    return {std::move(path), allowed, false,
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

// One number of an entry that stands for a port; those that may be left out keep their default.
template <typename Entry>
struct PortNumber {
    const char* name;
    std::uint64_t low;
    std::uint64_t high;
    std::uint64_t Entry::*member;
    bool optional = false;
};

// Reads one table of such a list. Returns what is wrong with it.
template <typename Entry>
std::string read_port_entry(const toml::table& table, const std::vector<PortNumber<Entry>>& numbers, Entry& entry) {
    const auto whole_in = [&](const char* name, std::uint64_t low, std::uint64_t high, bool optional,
                              auto&& take) -> std::string {
        const auto* value = table.get_as<std::int64_t>(name);
        if (value == nullptr && optional && !table.contains(name)) return {};
        if (value != nullptr && value->get() >= 0 && static_cast<std::uint64_t>(value->get()) >= low &&
            static_cast<std::uint64_t>(value->get()) <= high) {
            take(static_cast<std::uint64_t>(value->get()));
            return {};
        }
        return std::string(name) + " must be a whole number from " + std::to_string(low) + " to " +
               std::to_string(high) + "; " +
               (table.contains(name) ? "found " + describe(*table.get(name)) : std::string("it is missing"));
    };
    for (const auto& [key, node] : table) {
        const bool known =
            key == "protocol" || key == "port" ||
            std::any_of(numbers.begin(), numbers.end(), [&](const auto& one) { return key == one.name; });
        if (!known) return "unknown key " + toml_string(key.str().substr(0, 60));
    }
    const auto* protocol = table.get_as<std::string>("protocol");
    if (protocol == nullptr || (protocol->get() != "tcp" && protocol->get() != "udp"))
        return R"(protocol must be "tcp" or "udp")";
    entry.protocol = protocol->get();
    if (auto wrong = whole_in("port", 0, 65535, false,
                              [&](std::uint64_t value) { entry.port = static_cast<std::uint16_t>(value); });
        !wrong.empty())
        return wrong;
    for (const PortNumber<Entry>& one : numbers) {
        if (auto wrong = whole_in(one.name, one.low, one.high, one.optional,
                                  [&](std::uint64_t value) { entry.*one.member = value; });
            !wrong.empty())
            return wrong;
    }
    return {};
}

// A list of tables, each begun by [[path]], of which each names a protocol, a port, and numbers.
template <typename Target, typename Pick, typename Entry>
Key<Target> port_list_of(std::string path, std::size_t most, std::vector<PortNumber<Entry>> numbers, Pick pick) {
    const std::string allowed = "up to " + std::to_string(most) + " tables, each begun by [[" + path + "]]";
    return {std::move(path), allowed, true,
            [=](Target& target, const toml::node& node) -> std::string {
                const auto* array = node.as_array();
                if (array == nullptr || array->size() > most) return not_allowed(allowed, node);
                std::vector<Entry> entries;
                for (const toml::node& item : *array) {
                    const auto* table = item.as_table();
                    if (table == nullptr) return not_allowed(allowed, item);
                    Entry entry;
                    if (auto wrong = read_port_entry(*table, numbers, entry); !wrong.empty())
                        return "line " + std::to_string(item.source().begin.line) + ": " + wrong;
                    for (const Entry& other : entries)
                        if (other.protocol == entry.protocol && other.port == entry.port)
                            return entry.protocol + " port " + std::to_string(entry.port) + " is named twice";
                    entries.push_back(std::move(entry));
                }
                pick(target) = std::move(entries);
                return {};
            },
            [=](const Target& target) {
                std::string list;
                for (const Entry& entry : pick(target)) {
                    list += (list.empty() ? "" : ", ") + ("{ protocol = " + toml_string(entry.protocol)) +
                            ", port = " + std::to_string(entry.port);
                    for (const PortNumber<Entry>& one : numbers)
                        list += std::string(", ") + one.name + " = " + std::to_string(entry.*one.member);
                    list += " }";
                }
                return "[" + list + "]";
            }};
}

}  // namespace gabion::config
