// SPDX-License-Identifier: Apache-2.0
#include "control/cli/table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

namespace gabion::cli {
namespace {

// Bytes of the UTF-8 sequence that begins here, 0 when none does. RFC 3629: no overlong forms, no surrogates, at most U+10FFFF.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    const unsigned second = byte(1);
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
    return length;
}

// C0, DEL, and C1 (U+0080 to U+009F), which some terminals obey too.
bool is_control(std::string_view sequence) {
    const auto first = static_cast<unsigned char>(sequence[0]);
    if (sequence.size() == 1) return first < 0x20 || first == 0x7f;
    return first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0;
}

}  // namespace

std::string printable(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        if (length == 0 || is_control(text.substr(0, length)))
            result += '?';
        else
            result += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return result;
}

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

void Table::measure(std::vector<std::size_t>& widths) const {
    widths.resize(columns_.size(), 0);
    for (std::size_t i = 0; i < columns_.size(); ++i)
        widths[i] = std::max(widths[i], width_of(columns_[i].title));
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
            widths[i] = std::max(widths[i], width_of(row[i]));
}

void Table::print_row(std::ostream& out, const std::vector<std::string>& cells,
                      const std::vector<std::size_t>& widths) const {
    std::string line;
    for (std::size_t i = 0; i < cells.size() && i < widths.size(); ++i) {
        if (i > 0) line += "  ";
        const std::string padding(widths[i] - width_of(cells[i]), ' ');
        line += columns_[i].align == Align::right ? padding + cells[i] : cells[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
}

void Table::print(std::ostream& out) const {
    Table copy = *this;
    copy.flush(out);
}

void Table::flush(std::ostream& out) {
    const bool first = flushed_widths_.empty();
    measure(flushed_widths_);
    if (first) {
        std::vector<std::string> titles;
        for (const Column& column : columns_)
            titles.push_back(column.title);
        print_row(out, titles, flushed_widths_);
    }
    for (const auto& row : rows_)
        print_row(out, row, flushed_widths_);
    rows_.clear();
}

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t i = digits.size(); i > 3; i -= 3)
        digits.insert(i - 3, ",");
    return digits;
}

std::string grouped_signed(std::int64_t number) {
    if (number >= 0) return grouped(static_cast<std::uint64_t>(number));
    return "-" + grouped(~static_cast<std::uint64_t>(number) + 1);
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array<const char*, 6> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text.data();
}

std::string span_text(std::int64_t seconds) {
    struct Unit {
        const char* name;
        std::int64_t seconds;
    };
    constexpr std::array<Unit, 4> units{{{"d", 86'400}, {"h", 3'600}, {"min", 60}, {"s", 1}}};
    std::string text;
    int shown = 0;
    for (const Unit& unit : units) {
        if (seconds < unit.seconds && shown == 0) continue;
        if (shown++ == 2) break;
        if (seconds >= unit.seconds)
            text += (text.empty() ? "" : " ") + std::to_string(seconds / unit.seconds) + " " + unit.name;
        seconds %= unit.seconds;
    }
    return text.empty() ? "0 s" : text;
}

std::string share_text(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) return "-";
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f %%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
    return text.data();
}

}  // namespace gabion::cli
