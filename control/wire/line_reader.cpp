// SPDX-License-Identifier: Apache-2.0
#include "control/wire/line_reader.h"

namespace gabion::wire {

void LineReader::append(std::string_view bytes) {
    if (too_long_) return;
    if (begin_ > 0) {
        buffer_.erase(0, begin_);
        searched_ -= begin_;
        if (newline_ != std::string::npos) newline_ -= begin_;
        begin_ = 0;
    }
    buffer_.append(bytes);
    find_newline();
}

void LineReader::find_newline() {
    if (newline_ == std::string::npos) {
        newline_ = buffer_.find('\n', searched_);
        searched_ = newline_ == std::string::npos ? buffer_.size() : newline_ + 1;
    }
    const std::size_t end = newline_ == std::string::npos ? buffer_.size() : newline_;
    if (end - begin_ > bytes_max_) {
        too_long_ = true;
        std::string().swap(buffer_);
        begin_ = searched_ = 0;
        newline_ = std::string::npos;
    }
}

std::optional<std::string> LineReader::next() {
    if (!has_line()) return std::nullopt;
    std::size_t end = newline_;
    if (end > begin_ && buffer_[end - 1] == '\r') --end;
    std::string line = buffer_.substr(begin_, end - begin_);
    begin_ = newline_ + 1;
    newline_ = std::string::npos;
    if (begin_ == buffer_.size()) {
        buffer_.clear();
        begin_ = searched_ = 0;
    } else {
        find_newline();
    }
    return line;
}

}  // namespace gabion::wire
