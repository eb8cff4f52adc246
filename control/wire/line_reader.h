// SPDX-License-Identifier: Apache-2.0
// Cuts a byte stream into lines and never holds more than one line's worth: what one peer can make the other one keep is bounded.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gabion::wire {

class LineReader {
public:
    // `bytes_max`: the longest line, its newline not counted.
    explicit LineReader(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

    void append(std::string_view bytes);

    // The next whole line, without its newline (and without a carriage return before it).
    std::optional<std::string> next();

    // A line is too long. The state is final: the rest of the stream cannot be cut into lines any more.
    [[nodiscard]] bool too_long() const noexcept { return too_long_; }

    [[nodiscard]] bool has_line() const noexcept { return !too_long_ && newline_ != std::string::npos; }

    // Something stands in the buffer that no newline has ended yet.
    [[nodiscard]] bool has_partial() const noexcept { return begin_ < buffer_.size(); }

    [[nodiscard]] std::size_t buffered() const noexcept { return buffer_.size() - begin_; }

private:
    void find_newline();

    std::size_t bytes_max_;
    std::string buffer_;
    std::size_t begin_ = 0;                    // where the next line begins
    std::size_t searched_ = 0;                 // no newline stands between begin_ and here
    std::size_t newline_ = std::string::npos;  // where it ends, if it does
    bool too_long_ = false;
};

}  // namespace gabion::wire
