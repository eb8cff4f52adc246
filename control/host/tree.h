// SPDX-License-Identifier: Apache-2.0
// The files by which the kernel tells of a host, /proc and /sys, under a root that a test may choose.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace gabion::host {

class Tree {
public:
    explicit Tree(std::string root = {}) : root_(std::move(root)) {}

    // The file without the blanks at its end; nothing when it cannot be read. At most 1 MiB.
    [[nodiscard]] std::optional<std::string> read(const std::string& path) const;
    [[nodiscard]] std::optional<unsigned> number(const std::string& path) const;
    [[nodiscard]] bool has(const std::string& path) const;
    // Names in a directory, sorted; empty when there is none.
    [[nodiscard]] std::vector<std::string> list(const std::string& path) const;
    // There is such a file, but this process may not read it.
    [[nodiscard]] bool forbidden(const std::string& path) const;

private:
    std::string root_;
};

// The words of a text between blanks.
std::vector<std::string> words(const std::string& text);

}  // namespace gabion::host
