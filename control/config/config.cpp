// SPDX-License-Identifier: Apache-2.0
#include "control/config/config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "control/config/keys.h"
#include "dataplane/core/fd.h"

namespace gabion::config {
namespace {

Result<std::string> read_text(const std::string& path) {
    // Not blocking: a FIFO without a writer must not hang the daemon.
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return error_from_errno(errno, path);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return error_from_errno(errno, path);
    if (!S_ISREG(status.st_mode)) return Error{path + ": not a regular file", EINVAL};
    const Error too_long{
        path + ": longer than the " + std::to_string(config_bytes_max >> 20) + " MiB that a configuration may have",
        EFBIG};
    if (status.st_size > static_cast<off_t>(config_bytes_max)) return too_long;
    std::string text(config_bytes_max + 1, '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
        const ssize_t count = ::read(file.get(), text.data() + filled, text.size() - filled);
        if (count == 0) break;
        if (count < 0 && errno != EINTR) return error_from_errno(errno, path);
        if (count > 0) filled += static_cast<std::size_t>(count);
    }
    if (filled > config_bytes_max) return too_long;
    text.resize(filled);
    return text;
}

// toml++ names bytes that it does not like as they are.
std::string without_control(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
    return result;
}

std::string section_of(const std::string& path) {
    const auto dot = path.rfind('.');
    return dot == std::string::npos ? "" : path.substr(0, dot);
}

}  // namespace

std::string ConfigReading::problem_text() const {
    std::string text;
    for (const std::string& problem : problems)
        text += (text.empty() ? "" : "\n") + problem;
    return text;
}

// In reader.cpp.
Config read_table(const toml::table& table, const std::string& interface, Problems& problems);

ConfigReading parse_config(std::string_view text, const std::string& name, const std::string& interface) {
    Problems problems(name);
    ConfigReading reading;
    if (text.size() > config_bytes_max) {
        problems.add("longer than the " + std::to_string(config_bytes_max >> 20) +
                     " MiB that a configuration may have");
    } else if (text.find('\0') != std::string_view::npos) {
        problems.add("a binary file, not TOML");
    } else {
        try {
            const toml::table table = toml::parse(text, name);
            Config config = read_table(table, interface, problems);
            if (problems.empty()) reading.config = std::move(config);
        } catch (const toml::parse_error& error) {
            problems.add(error.source(), "", "not TOML: " + without_control(error.description()));
        }
    }
    reading.problems = problems.take();
    return reading;
}

ConfigReading read_config(const std::string& path, const std::string& interface) {
    const auto text = read_text(path);
    if (!text) return {std::nullopt, {text.error().text}};
    return parse_config(*text, path, interface);
}

std::string config_text(const Config& config) {
    std::string text;
    std::string section;
    bool interfaces_written = false;
    for (const auto& key : all_keys()) {
        const std::string its_section = section_of(key.path);
        if (its_section != section) {
            if (!interfaces_written) {
                for (const InterfaceConfig& interface : config.interfaces) {
                    text += "\n[[interface]]\n";
                    for (const auto& part : interface_keys())
                        if (const std::string value = part.write(interface); value != "\"\"")
                            text += part.path + " = " + value + "\n";
                }
                interfaces_written = true;
            }
            text += "\n[" + its_section + "]\n";
            section = its_section;
        }
        text += key.path.substr(its_section.empty() ? 0 : its_section.size() + 1) + " = " + key.write(config) + "\n";
    }
    return text;
}

std::vector<std::string> config_keys() {
    std::vector<std::string> keys;
    for (const auto& key : all_keys())
        keys.push_back(key.path);
    for (const auto& key : interface_keys())
        keys.push_back("interface." + key.path);
    return keys;
}

namespace {

const InterfaceConfig* find_interface(const Config& config, const std::string& name) {
    const auto found = std::find_if(config.interfaces.begin(), config.interfaces.end(),
                                    [&](const InterfaceConfig& interface) { return interface.name == name; });
    return found == config.interfaces.end() ? nullptr : &*found;
}

bool same_interfaces(const Config& before, const Config& after) {
    const auto found = [&](const InterfaceConfig& one) { return find_interface(after, one.name) != nullptr; };
    return before.interfaces.size() == after.interfaces.size() &&
           std::all_of(before.interfaces.begin(), before.interfaces.end(), found);
}

// By way of the text that both directions agree on.
template <typename Target>
void copy_value(const Key<Target>& key, const Target& from, Target& to) {
    if (key.write(from) == key.write(to)) return;
    const toml::table table = toml::parse("value = " + key.write(from));
    key.read(to, *table.get("value"));
}

}  // namespace

ConfigDifference difference(const Config& before, const Config& after) {
    ConfigDifference result;
    for (const auto& key : all_keys())
        if (key.write(before) != key.write(after)) (key.live ? result.live : result.restart).push_back(key.path);
    if (!same_interfaces(before, after)) result.restart.emplace_back("interface");
    for (const InterfaceConfig& interface : before.interfaces) {
        const InterfaceConfig* const next = find_interface(after, interface.name);
        for (const auto& key : interface_keys())
            if (next != nullptr && key.write(interface) != key.write(*next))
                (key.live ? result.live : result.restart).push_back("interface." + interface.name + "." + key.path);
    }
    return result;
}

Config reloaded(const Config& before, const Config& after) {
    Config result = after;
    for (const auto& key : all_keys())
        if (!key.live) copy_value(key, before, result);
    result.interfaces = before.interfaces;
    for (InterfaceConfig& interface : result.interfaces) {
        const InterfaceConfig* const next = find_interface(after, interface.name);
        for (const auto& key : interface_keys())
            if (next != nullptr && key.live) copy_value(key, *next, interface);
    }
    return result;
}

}  // namespace gabion::config
