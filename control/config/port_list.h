// SPDX-License-Identifier: Apache-2.0
// Keys that are lists of tables, one for each port that something is said of.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "control/config/values.h"

namespace gabion::config {

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
            std::any_of(numbers.begin(), numbers.end(), [&name = key](const auto& one) { return name == one.name; });
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
