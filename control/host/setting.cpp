// SPDX-License-Identifier: Apache-2.0
#include "control/host/setting.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "control/host/tree.h"
#include "dataplane/core/fd.h"
#include "dataplane/net/ethtool.h"

namespace gabion::host {

namespace {

constexpr std::array<std::string_view, 4> kind_names{"file", "channels", "ring", "feature"};

// The files that tuning has reason to write; all of them hold one value.
constexpr std::array<std::string_view, 4> writable{"/proc/irq/", "/proc/sys/net/ipv4/conf/",
                                                   "/proc/sys/net/core/bpf_jit_enable", "/sys/devices/system/cpu/cpu"};

Error not_told(const Setting& setting) {
    return Error{setting.target + ": the driver does not tell its " + std::string(name_of(setting.kind)), ENOTSUP};
}

Result<std::string> feature_state(const Setting& setting) {
    const auto all = net::features(setting.target);
    if (!all) return all.error();
    const auto found =
        std::find_if(all->begin(), all->end(), [&](const net::Feature& one) { return one.name == setting.key; });
    if (found == all->end()) return Error{setting.target + " has no feature " + setting.key, ENOTSUP};
    return std::string(found->active ? "on" : "off");
}

Result<void> write_file(const std::string& path, const std::string& value) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return error_from_errno(errno, "opening " + path);
    if (::write(file.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size()))
        return error_from_errno(errno, "writing " + value + " to " + path);
    return {};
}

}  // namespace

std::string_view name_of(SettingKind kind) noexcept { return kind_names[static_cast<std::size_t>(kind)]; }

std::string command_of(const Setting& setting) {
    switch (setting.kind) {
        case SettingKind::file:
            return "echo " + setting.value + " >" + setting.target;
        case SettingKind::channels:
            return "ethtool -L " + setting.target + " " + setting.key + " " + setting.value;
        case SettingKind::ring:
            return "ethtool -G " + setting.target + " " + setting.key + " " + setting.value;
        case SettingKind::feature:
            return "ethtool -K " + setting.target + " " + setting.key + " " + setting.value;
    }
    return {};
}

Result<std::string> value_in_force(const Setting& setting) {
    switch (setting.kind) {
        case SettingKind::file: {
            auto text = Tree().read(setting.target);
            if (!text) return Error{setting.target + " cannot be read", EACCES};
            return std::move(*text);
        }
        case SettingKind::channels: {
            const auto all = net::channels(setting.target);
            if (!all) return not_told(setting);
            return std::to_string(setting.key == "combined" ? all->combined : all->rx);
        }
        case SettingKind::ring: {
            const auto ring = net::rx_ring(setting.target);
            if (!ring) return not_told(setting);
            return std::to_string(ring->size);
        }
        case SettingKind::feature:
            return feature_state(setting);
    }
    return Error{"a setting of no kind", EINVAL};
}

Result<void> put_in_force(const Setting& setting) {
    if (const auto why = refusal_of(setting); !why.empty()) return Error{why, EINVAL};
    if (setting.kind == SettingKind::file) return write_file(setting.target, setting.value);
    if (setting.kind == SettingKind::feature) {
        if (auto done = net::change_features(setting.target, {{setting.key, setting.value == "on"}}); !done)
            return done;
        // A driver may keep a feature as it is without a word.
        const auto now = feature_state(setting);
        if (!now) return now.error();
        if (*now != setting.value) return Error{setting.target + " keeps " + setting.key + " " + *now, EBUSY};
        return {};
    }
    std::uint32_t number = 0;
    std::from_chars(setting.value.data(), setting.value.data() + setting.value.size(), number);
    if (setting.kind == SettingKind::channels)
        return net::change_channels(setting.target, setting.key == "combined", number);
    return net::change_rx_ring(setting.target, number);
}

std::string refusal_of(const Setting& setting) {
    if (setting.kind == SettingKind::file) {
        const bool known = std::any_of(writable.begin(), writable.end(), [&](std::string_view start) {
            return std::string_view(setting.target).starts_with(start);
        });
        if (known && setting.target.find("..") == std::string::npos) return {};
        return setting.target + " is no file that Gabion tunes";
    }
    if (setting.target.empty() || setting.target.find('/') != std::string::npos)
        return "'" + setting.target + "' is no interface";
    if (setting.kind == SettingKind::feature)
        return setting.value == "on" || setting.value == "off" ? "" : "a feature is on or off";
    std::uint32_t number = 0;
    const char* end = setting.value.data() + setting.value.size();
    const auto [stop, code] = std::from_chars(setting.value.data(), end, number);
    return code == std::errc{} && stop == end && number > 0 ? "" : "'" + setting.value + "' is no number above 0";
}

}  // namespace gabion::host
