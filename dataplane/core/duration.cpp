// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/duration.h"

#include <array>
#include <charconv>
#include <cstdint>

namespace gabion {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t ms;
};

// Descending, so that a text whose units ascend or repeat is refused by walking the list once.
constexpr std::array<Unit, 6> units{
    {{"w", 604'800'000}, {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

Error duration_error(std::string_view text) {
    return Error{
        "'" + std::string(text.substr(0, 40)) + "' is not a duration; allowed is " + std::string(duration_allowed),
        EINVAL};
}

// The unit's place in the list, or its size when the text names none.
std::size_t find_unit(std::string_view name) {
    std::size_t i = 0;
    while (i < units.size() && units[i].name != name)
        ++i;
    return i;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    std::int64_t total = 0;
    std::size_t next_unit = 0;
    std::string_view rest = text;
    if (rest.empty()) return duration_error(text);
    while (!rest.empty()) {
        std::int64_t number = 0;
        const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
        if (code != std::errc{} || rest.front() == '-') return duration_error(text);
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        const auto letters = rest.substr(0, rest.find_first_of("0123456789"));
        const std::size_t unit = find_unit(letters);
        if (unit >= units.size() || unit < next_unit) return duration_error(text);
        rest.remove_prefix(letters.size());
        next_unit = unit + 1;
        if (number > duration_max.count() / units[unit].ms) return duration_error(text);
        total += number * units[unit].ms;
    }
    if (total > duration_max.count()) return duration_error(text);
    return std::chrono::milliseconds(total);
}

std::string duration_text(std::chrono::milliseconds duration) {
    std::int64_t rest = duration.count();
    std::string text;
    for (const Unit& unit : units) {
        if (unit.name == "w" || rest < unit.ms) continue;
        text += std::to_string(rest / unit.ms);
        text += unit.name;
        rest %= unit.ms;
    }
    return text.empty() ? "0s" : text;
}

}  // namespace gabion
