// SPDX-License-Identifier: Apache-2.0
#include "control/config/amplifier_list.h"

#include <algorithm>
#include <charconv>

#include "control/config/values.h"
#include "dataplane/core/amplifiers.h"

namespace gabion::config {
namespace {

constexpr std::size_t name_max = 32;
constexpr const char* piece_form = R"("OFFSET:BYTES" or "OFFSET:BYTES/MASK", as in "0:17/87")";

std::string wrong_value(const toml::table& table, const std::string& name, const std::string& allowed) {
    return name + " must be " + allowed + "; " +
           (table.contains(name) ? "found " + describe(*table.get(name)) : std::string("it is missing"));
}

// A number that may be left out where `rule` has one already.
std::string read_number(const toml::table& table, const std::string& name, bool needed, std::uint16_t& number) {
    const auto* value = table.get_as<std::int64_t>(name);
    if (value == nullptr && !needed && !table.contains(name)) return {};
    if (value == nullptr || value->get() < 1 || value->get() > 65535)
        return wrong_value(table, name, "a whole number from 1 to 65535");
    number = static_cast<std::uint16_t>(value->get());
    return {};
}

bool is_name(const std::string& text) {
    return !text.empty() && text.size() <= name_max && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

bool read_hex(std::string_view text, std::vector<std::uint8_t>& bytes) {
    if (text.empty() || text.size() % 2 != 0) return false;
    for (std::size_t at = 0; at < text.size(); at += 2) {
        std::uint8_t byte = 0;
        const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 2, byte, 16);
        if (error != std::errc() || end != text.data() + at + 2) return false;
        bytes.push_back(byte);
    }
    return true;
}

bool read_piece(std::string_view text, std::vector<AmplifierByte>& bytes) {
    const std::size_t colon = text.find(':'), slash = text.find('/');
    if (colon == std::string_view::npos) return false;
    std::uint16_t offset = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + colon, offset);
    if (error != std::errc() || end != text.data() + colon) return false;
    std::vector<std::uint8_t> values, masks;
    const bool masked = slash != std::string_view::npos;
    if (masked && slash < colon) return false;
    if (!read_hex(text.substr(colon + 1, masked ? slash - colon - 1 : std::string_view::npos), values)) return false;
    if (masked && (!read_hex(text.substr(slash + 1), masks) || masks.size() != values.size())) return false;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::uint8_t mask = masked ? masks[i] : 0xff;
        if ((values[i] & ~mask) != 0 || offset + i > 65535) return false;
        bytes.push_back({static_cast<std::uint16_t>(offset + i), mask, values[i]});
    }
    return true;
}

std::string read_payload(const toml::table& table, std::vector<AmplifierByte>& bytes) {
    if (!table.contains("payload")) return {};
    const auto* pieces = table.get_as<toml::array>("payload");
    if (pieces == nullptr) return wrong_value(table, "payload", std::string("a list of ") + piece_form);
    for (const toml::node& node : *pieces) {
        const auto* piece = node.as_string();
        if (piece == nullptr || !read_piece(piece->get(), bytes))
            return std::string("payload must be a list of ") + piece_form + ", with no bit outside the mask; found " +
                   describe(node);
    }
    return {};
}

std::string read_rule(const toml::table& table, AmplifierRule& rule) {
    for (const auto& [key, node] : table)
        if (key != "name" && key != "port" && key != "shortest" && key != "longest" && key != "spare_port" &&
            key != "payload")
            return "unknown key " + toml_string(key.str().substr(0, 60));
    const auto* name = table.get_as<std::string>("name");
    if (name == nullptr || !is_name(name->get()))
        return wrong_value(table, "name", "up to 32 small letters, digits and hyphens");
    rule.name = name->get();
    std::string wrong = read_number(table, "port", true, rule.port);
    if (wrong.empty()) wrong = read_number(table, "shortest", false, rule.shortest);
    if (wrong.empty()) wrong = read_number(table, "longest", false, rule.longest);
    if (wrong.empty()) wrong = read_number(table, "spare_port", false, rule.spare_port);
    if (wrong.empty()) wrong = read_payload(table, rule.bytes);
    return wrong;
}

void append_hex(std::string& text, std::uint8_t byte) {
    constexpr const char* digits = "0123456789abcdef";
    text += digits[byte >> 4];
    text += digits[byte & 15];
}

// Neighbouring bytes in one piece.
std::string payload_text(const std::vector<AmplifierByte>& bytes) {
    std::string list;
    for (std::size_t at = 0; at < bytes.size();) {
        std::string values, masks;
        bool whole = true;
        const std::size_t first = at;
        for (; at < bytes.size() && bytes[at].offset == bytes[first].offset + (at - first); ++at) {
            append_hex(values, bytes[at].value);
            append_hex(masks, bytes[at].mask);
            whole = whole && bytes[at].mask == 0xff;
        }
        list += list.empty() ? "" : ", ";
        list += toml_string(std::to_string(bytes[first].offset) + ":" + values + (whole ? "" : "/" + masks));
    }
    return "[" + list + "]";
}

std::string rule_text(const AmplifierRule& rule) {
    std::string text = "{ name = " + toml_string(rule.name) + ", port = " + std::to_string(rule.port) +
                       ", shortest = " + std::to_string(rule.shortest) + ", longest = " + std::to_string(rule.longest);
    if (rule.spare_port != 0) text += ", spare_port = " + std::to_string(rule.spare_port);
    if (!rule.bytes.empty()) text += ", payload = " + payload_text(rule.bytes);
    return text + " }";
}

}  // namespace

Key<Config> amplifier_rules() {
    const std::string path = "amplification.rule";
    const std::string allowed =
        "up to " + std::to_string(own_amplifiers_max) + " tables, each begun by [[" + path + "]]";
    return {path, allowed, true,
            [allowed](Config& target, const toml::node& node) -> std::string {
                const auto* array = node.as_array();
                if (array == nullptr || array->size() > own_amplifiers_max) return not_allowed(allowed, node);
                std::vector<AmplifierRule> rules;
                for (const toml::node& item : *array) {
                    const auto* table = item.as_table();
                    if (table == nullptr) return not_allowed(allowed, item);
                    std::string wrong = read_rule(*table, rules.emplace_back());
                    if (wrong.empty()) wrong = amplifier_problem({rules.back()});
                    if (!wrong.empty()) return "line " + std::to_string(item.source().begin.line) + ": " + wrong;
                }
                if (auto wrong = amplifier_problem(with_own_amplifiers(rules)); !wrong.empty()) return wrong;
                target.amplification.rule = std::move(rules);
                return {};
            },
            [](const Config& target) {
                std::string list;
                for (const AmplifierRule& rule : target.amplification.rule)
                    list += (list.empty() ? "" : ", ") + rule_text(rule);
                return "[" + list + "]";
            }};
}

}  // namespace gabion::config
