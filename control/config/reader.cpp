// SPDX-License-Identifier: Apache-2.0
// From a TOML table to a Config: every key is looked up in the list of keys, and everything that is wrong is collected.
#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "control/config/keys.h"

namespace gabion::config {
namespace {

// Levenshtein distance, to propose what a misspelt key was meant to be.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

std::string unknown_key(std::string_view name, const std::set<std::string>& allowed) {
    std::string list;
    std::string nearest;
    std::size_t best = 3;
    for (const std::string& candidate : allowed) {
        list += (list.empty() ? "" : ", ") + candidate;
        if (name.size() > 64) continue;
        if (const auto d = distance(name, candidate); d < best) {
            best = d;
            nearest = candidate;
        }
    }
    return "unknown key" + (nearest.empty() ? "" : "; did you mean " + nearest + "?") + "; allowed here: " + list;
}

// Names that may stand in the section `prefix` ("" or "panic."): keys and sections.
std::set<std::string> names_in(const std::string& prefix) {
    std::set<std::string> names;
    for (const auto& key : all_keys()) {
        if (!key.path.starts_with(prefix)) continue;
        const std::string rest = key.path.substr(prefix.size());
        names.insert(rest.substr(0, rest.find('.')));
    }
    if (prefix.empty()) names.insert("interface");
    return names;
}

bool is_section(const std::string& path) {
    return std::any_of(all_keys().begin(), all_keys().end(),
                       [&](const auto& key) { return key.path.starts_with(path + "."); });
}

template <typename Target>
const Key<Target>* find_key(const std::vector<Key<Target>>& keys, std::string_view path) {
    const auto found = std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return key.path == path; });
    return found == keys.end() ? nullptr : &*found;
}

class Reader {
public:
    explicit Reader(Problems& problems) : problems_(problems) {}

    void section(const toml::table& table, const std::string& prefix) {
        for (const auto& [key, node] : table) {
            const std::string path = prefix + std::string(key.str());
            if (const auto* known = find_key(all_keys(), path)) {
                if (const std::string why = known->read(config, node); !why.empty())
                    problems_.add(node.source(), path, why);
            } else if (path == "interface") {
                interfaces(node);
            } else if (!is_section(path)) {
                problems_.add(key.source(), path, unknown_key(key.str(), names_in(prefix)));
            } else if (const auto* inner = node.as_table()) {
                section(*inner, path + ".");
            } else {
                problems_.add(node.source(), path, "must be a table, [" + path + "]; found " + describe(node));
            }
        }
    }

    Config config;

private:
    void interfaces(const toml::node& node) {
        const auto* array = node.as_array();
        if (array == nullptr || array->empty()) {
            problems_.add(node.source(), "interface",
                          "must be one or more tables, each begun by [[interface]]; found " + describe(node));
            return;
        }
        for (const toml::node& item : *array) {
            if (const auto* table = item.as_table())
                interface(*table);
            else
                problems_.add(item.source(), "interface", "must be a table; found " + describe(item));
        }
    }

    void interface(const toml::table& table) {
        InterfaceConfig interface;
        std::set<std::string> allowed;
        for (const auto& key : interface_keys())
            allowed.insert(key.path);
        for (const auto& [key, node] : table) {
            const std::string path = "interface." + std::string(key.str());
            if (const auto* known = find_key(interface_keys(), key.str())) {
                if (const std::string why = known->read(interface, node); !why.empty())
                    problems_.add(node.source(), path, why);
            } else {
                problems_.add(key.source(), path, unknown_key(key.str(), allowed));
            }
        }
        const auto place = [&](const char* key) {
            return table.contains(key) ? table.get(key)->source() : table.source();
        };
        if (!table.contains("name"))
            problems_.add(table.source(), "interface.name", "is missing; every interface needs its name");
        if (interface.mode == "inline" && !table.contains("peer"))
            problems_.add(place("mode"), "interface.peer", "is missing; mode = \"inline\" needs the other port");
        if (interface.mode == "host" && table.contains("peer"))
            problems_.add(place("peer"), "interface.peer", "belongs to mode = \"inline\" only");
        if (interface.mode == "host" && interface.link_control != "forward")
            problems_.add(place("link_control"), "interface.link_control", "belongs to mode = \"inline\" only");
        if (interface.mac_mode == "allow" && interface.macs.empty())
            problems_.add(place("mac_mode"), "interface.macs",
                          "is empty; mac_mode = \"allow\" would let nobody through: name whom to allow");
        for (const auto& [key, name] : {std::pair{"name", interface.name}, std::pair{"peer", interface.peer}})
            if (!name.empty() && !ports_.insert(name).second)
                problems_.add(place(key), std::string("interface.") + key,
                              toml_string(name) + " is named twice; each port has one place");
        check_backend(interface, table);
        config.interfaces.push_back(std::move(interface));
    }

    void check_backend(const InterfaceConfig& interface, const toml::table& table) {
        const auto wrong = [&](const char* key, const std::string& what) {
            problems_.add(table.contains(key) ? table.get(key)->source() : table.source(),
                          std::string("interface.") + key, what);
        };
        const auto devices = {std::pair{"device", &interface.device}, std::pair{"peer_device", &interface.peer_device}};
        if (interface.backend != "dpdk") {
            for (const auto& [key, device] : devices)
                if (!device->empty()) wrong(key, "belongs to backend = \"dpdk\" only");
            return;
        }
        if (interface.mode != "inline") wrong("backend", "\"dpdk\" works in mode = \"inline\" only");
        if (interface.attach != "auto") wrong("attach", "belongs to backend = \"xdp\" only");
        for (const auto& [key, device] : devices)
            if (device->empty())
                wrong(key,
                      "is missing; backend = \"dpdk\" needs the port's PCI address or virtual device, like "
                      "\"0000:03:00.0\" or \"net_af_packet0,iface=eth0\"");
        if (!interface.device.empty() && interface.device == interface.peer_device)
            wrong("peer_device", "is the same as device; a pair has two ports");
        if (std::exchange(dpdk_named_, true))
            wrong("backend", "one pair of ports can be on DPDK, and there is another");
    }

    Problems& problems_;
    std::set<std::string> ports_;
    bool dpdk_named_ = false;
};

// What the command line's --interface leaves of the list.
void keep_only(Config& config, const std::string& name) {
    InterfaceConfig wanted;
    wanted.name = name;
    for (const InterfaceConfig& interface : config.interfaces)
        if (interface.name == name) wanted = interface;
    config.interfaces = {wanted};
}

}  // namespace

Config read_table(const toml::table& table, const std::string& interface, Problems& problems) {
    Reader reader(problems);
    reader.section(table, "");
    if (!interface.empty() && !valid_interface_name(interface))
        problems.add("--interface: " + toml_string(interface) +
                     " is not the name of a network interface, 1 to 15 bytes");
    else if (!interface.empty())
        keep_only(reader.config, interface);
    else if (!table.contains("interface"))
        problems.add("names no interface; [[interface]] with a name is needed, or --interface NAME");
    const auto on_dpdk = [](const InterfaceConfig& one) { return one.backend == "dpdk"; };
    if (std::any_of(reader.config.interfaces.begin(), reader.config.interfaces.end(), on_dpdk) &&
        reader.config.dpdk.cores.empty())
        problems.add("dpdk.cores: is empty; backend = \"dpdk\" needs one CPU or more for its threads, like [2]");
    return std::move(reader.config);
}

void Problems::add(const toml::source_region& where, std::string_view key, std::string_view what) {
    std::string text = file_ + ":" + std::to_string(where.begin.line) + ":" + std::to_string(where.begin.column) + ": ";
    for (const char c : key.substr(0, 100))
        text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    if (!key.empty()) text += ": ";
    found_.push_back({where.begin.line, where.begin.column, text.append(what)});
}

void Problems::add(std::string_view what) { found_.push_back({0, 0, file_ + ": " + std::string(what)}); }

std::vector<std::string> Problems::take() {
    // A table has its keys in the order of the alphabet.
    std::stable_sort(found_.begin(), found_.end(), [](const Problem& a, const Problem& b) {
        return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
    std::vector<std::string> texts;
    for (Problem& problem : found_)
        texts.push_back(std::move(problem.text));
    return texts;
}

std::string describe(const toml::node& node) {
    if (const auto* value = node.as_string()) return "the text " + toml_string(value->get().substr(0, 60));
    if (const auto* value = node.as_integer()) return std::to_string(value->get());
    if (const auto* value = node.as_floating_point()) return std::to_string(value->get());
    if (const auto* value = node.as_boolean()) return value->get() ? "true" : "false";
    if (node.is_table()) return "a table";
    if (node.is_array()) return "a list";
    return "a date or time";
}

std::string toml_string(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            result += '\\';
            result += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned char>(c));
            result += escaped;
        } else {
            result += c;
        }
    }
    return result + "\"";
}

bool valid_interface_name(std::string_view name) {
    if (name.empty() || name.size() > 15 || name == "." || name == "..") return false;
    return std::all_of(name.begin(), name.end(),
                       [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '/' && c != ':'; });
}

}  // namespace gabion::config
