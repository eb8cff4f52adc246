// SPDX-License-Identifier: Apache-2.0
// One value that can be set while the host runs: read, written, and told as a command that an operator can paste. Nothing else in
// Gabion changes a host's settings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/core/result.h"

namespace gabion::host {

enum class SettingKind : std::uint8_t { file, channels, ring, feature };

struct Setting {
    SettingKind kind = SettingKind::file;
    std::string target;  // file: its path under /proc or /sys; else the interface
    std::string key;     // channels: "combined" or "rx"; ring: "rx"; feature: the kernel's name of it
    std::string value;   // a text, a number, "on" or "off"

    [[nodiscard]] bool same_place(const Setting& other) const noexcept {
        return kind == other.kind && target == other.target && key == other.key;
    }
    friend bool operator==(const Setting&, const Setting&) = default;
};

std::string_view name_of(SettingKind kind) noexcept;

// "ethtool -L eth0 combined 2"
std::string command_of(const Setting& setting);

// The value in force at the setting's place; its own value is not looked at.
Result<std::string> value_in_force(const Setting& setting);

// Writes it. A driver may round: value_in_force() tells what came of it.
Result<void> put_in_force(const Setting& setting);

// Empty, or why no setting of this kind may be at this place: the record that undo reads is a file, and files can be wrong.
std::string refusal_of(const Setting& setting);

}  // namespace gabion::host
