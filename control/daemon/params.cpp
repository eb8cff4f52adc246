// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/params.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "control/wire/protocol.h"
#include "dataplane/core/duration.h"

namespace gabion::daemon {
namespace {

std::string in_quotes(std::string_view name) { return "'" + std::string(name.substr(0, 64)) + "'"; }

}  // namespace

const Json* Params::find(std::string_view name) {
    asked_.emplace_back(name);
    const auto found = params_.find(name);
    return found == params_.end() || found->is_null() ? nullptr : &*found;
}

void Params::fail(std::string why) {
    if (!error_) error_ = Error{std::move(why), EINVAL};
}

std::string Params::text(std::string_view name, std::string fallback) {
    const Json* value = find(name);
    if (value == nullptr) return fallback;
    if (value->is_string()) return value->get<std::string>();
    fail(in_quotes(name) + " must be a text");
    return fallback;
}

bool Params::flag(std::string_view name, bool fallback) {
    const Json* value = find(name);
    if (value == nullptr) return fallback;
    if (value->is_boolean()) return value->get<bool>();
    fail(in_quotes(name) + " must be true or false");
    return fallback;
}

std::uint64_t Params::number(std::string_view name, std::uint64_t fallback, std::uint64_t low, std::uint64_t high) {
    const Json* value = find(name);
    if (value == nullptr) return fallback;
    if (value->is_number_unsigned()) {
        const auto number = value->get<std::uint64_t>();
        if (number >= low && number <= high) return number;
    }
    fail(in_quotes(name) + " must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return fallback;
}

std::vector<std::string> Params::texts(std::string_view name) {
    const Json* value = find(name);
    std::vector<std::string> list;
    if (value == nullptr) return list;
    if (!value->is_array()) fail(in_quotes(name) + " must be a list of texts");
    for (const Json& item : value->is_array() ? *value : Json::array()) {
        if (!item.is_string()) {
            fail(in_quotes(name) + " must be a list of texts");
            return {};
        }
        list.push_back(item.get<std::string>());
    }
    return list;
}

Prefix Params::prefix(std::string_view name) {
    const std::string value = text(name);
    auto parsed = Prefix::parse(value);
    if (parsed) return *parsed;
    fail(value.empty() ? in_quotes(name) + " is missing" : parsed.error().text);
    return {};
}

std::optional<std::chrono::milliseconds> Params::duration(std::string_view name) {
    const std::uint64_t none = 0;
    const auto ms = number(name, none, 1, static_cast<std::uint64_t>(duration_max.count()));
    if (ms == none) return std::nullopt;
    return std::chrono::milliseconds(ms);
}

std::string Params::note(std::string_view name) {
    std::string value = text(name);
    if (value.size() > wire::note_bytes_max)
        fail("a note has at most " + std::to_string(wire::note_bytes_max) + " bytes");
    if (std::any_of(value.begin(), value.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
        fail("a note must not contain control characters");
    return value;
}

Result<void> Params::finish() const {
    if (error_) return *error_;
    for (const auto& [name, value] : params_.items())
        if (std::find(asked_.begin(), asked_.end(), name) == asked_.end())
            return Error{"unknown parameter " + in_quotes(name), EINVAL};
    return {};
}

}  // namespace gabion::daemon
