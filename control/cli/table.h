// SPDX-License-Identifier: Apache-2.0
// Text for a terminal: aligned tables and figures with units. Everything that came over the socket is made printable first, so
// that no note or name can send control sequences to an operator's terminal.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace gabion::cli {

enum class Align : std::uint8_t { left, right };

struct Column {
    std::string title;
    Align align = Align::left;
};

// Rows of cells under titles, two blanks between columns, none at a line's end.
class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    [[nodiscard]] std::size_t rows() const noexcept { return rows_.size(); }
    void print(std::ostream& out) const;

    // Prints what has been added and forgets it, for listings longer than memory: later pages keep the columns' widths or widen.
    void flush(std::ostream& out);

private:
    void measure(std::vector<std::size_t>& widths) const;
    void print_row(std::ostream& out, const std::vector<std::string>& cells,
                   const std::vector<std::size_t>& widths) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
    std::vector<std::size_t> flushed_widths_;  // empty until the titles are out
};

// 1234567 → "1,234,567"
std::string grouped(std::uint64_t number);
std::string grouped_signed(std::int64_t number);

// 1536 → "1.5 KiB"
std::string bytes_text(std::uint64_t bytes);

// Two units at most: "3 d 4 h", "12 min 5 s", "0 s".
std::string span_text(std::int64_t seconds);

// A share as a percentage with one decimal: "79.9 %"; "-" of nothing.
std::string share_text(std::uint64_t part, std::uint64_t whole);

// Control characters and what is not UTF-8 replaced by '?'.
std::string printable(std::string_view text);

// Columns that the text takes on a terminal: characters, not bytes.
std::size_t width_of(std::string_view text);

}  // namespace gabion::cli
