// SPDX-License-Identifier: Apache-2.0
#include "control/host/tree.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace gabion::host {

namespace {
constexpr std::size_t file_bytes_max = 1 << 20;
}  // namespace

std::optional<std::string> Tree::read(const std::string& path) const {
    std::ifstream file(root_ + path);
    std::string text;
    std::array<char, 4096> part{};
    while (file && text.size() < file_bytes_max) {
        file.read(part.data(), part.size());
        text.append(part.data(), static_cast<std::size_t>(file.gcount()));
    }
    if (!file.eof()) return std::nullopt;  // not there, not readable, or too large
    text.erase(text.find_last_not_of(" \t\n") + 1);
    return text;
}

std::optional<unsigned> Tree::number(const std::string& path) const {
    const auto text = read(path);
    unsigned value = 0;
    if (!text) return std::nullopt;
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
    return code == std::errc{} && end == text->data() + text->size() ? std::optional(value) : std::nullopt;
}

bool Tree::has(const std::string& path) const { return ::access((root_ + path).c_str(), F_OK) == 0; }

bool Tree::forbidden(const std::string& path) const { return has(path) && ::access((root_ + path).c_str(), R_OK) != 0; }

std::vector<std::string> Tree::list(const std::string& path) const {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(root_ + path, none))
        names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> words(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> result;
    for (std::string word; stream >> word;)
        result.push_back(word);
    return result;
}

}  // namespace gabion::host
