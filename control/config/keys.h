// SPDX-License-Identifier: Apache-2.0
// The list of keys: each with its name, what is allowed, how to read it from TOML and how to write it. Parser, `config show`,
// reload and the test of config/gabion.toml all go by this list. Includes toml++: for the configuration's own sources only.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "control/config/config.h"

namespace gabion::config {

// Collects what is wrong, with its place.
class Problems {
public:
    explicit Problems(std::string file) : file_(std::move(file)) {}

    void add(const toml::source_region& where, std::string_view key, std::string_view what);
    void add(std::string_view what);                // about the file as a whole
    [[nodiscard]] std::vector<std::string> take();  // in the order of the file
    [[nodiscard]] bool empty() const noexcept { return found_.empty(); }

private:
    struct Problem {
        unsigned line = 0;
        unsigned column = 0;
        std::string text;
    };

    std::string file_;
    std::vector<Problem> found_;
};

template <typename Target>
struct Key {
    std::string path;     // "panic.rate_pps"
    std::string allowed;  // "a whole number from 0 to 100000000"
    bool live = false;    // a reload puts it in force; otherwise it waits for a restart
    // Stores the value, or returns why it is not allowed (empty: it is).
    std::function<std::string(Target&, const toml::node&)> read;
    std::function<std::string(const Target&)> write;  // as TOML
};

const std::vector<Key<Config>>& all_keys();
const std::vector<Key<InterfaceConfig>>& interface_keys();

// What a value is, for messages: "the text \"ten\"", "a table".
std::string describe(const toml::node& node);

// The text quoted and escaped as a TOML basic string.
std::string toml_string(std::string_view text);

// 1 to 15 bytes, no '/', no blanks, not "." or "..": what the kernel takes as an interface's name.
bool valid_interface_name(std::string_view name);

}  // namespace gabion::config
