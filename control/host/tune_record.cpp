// SPDX-License-Identifier: Apache-2.0
#include "control/host/tune_record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <span>

#include <nlohmann/json.hpp>

#include "control/host/tree.h"
#include "dataplane/core/atomic_file.h"

namespace gabion::host {

namespace {

using Json = nlohmann::json;
constexpr std::size_t record_bytes_max = 1 << 20;

Json to_json(const Tuned& tuned) {
    const auto& setting = tuned.setting;
    return {{"kind", name_of(setting.kind)},
            {"target", setting.target},
            {"key", setting.key},
            {"before", tuned.before},
            {"after", setting.value}};
}

// Throws what nlohmann-json throws, and std::invalid_argument.
Tuned from_json(const Json& json) {
    Tuned tuned;
    const auto kind = json.at("kind").get<std::string>();
    constexpr std::array kinds{SettingKind::file, SettingKind::channels, SettingKind::ring, SettingKind::feature};
    bool known = false;
    for (const auto one : kinds) {
        if (name_of(one) != kind) continue;
        tuned.setting.kind = one;
        known = true;
    }
    if (!known) throw std::invalid_argument("'" + kind + "' is no kind of setting");
    json.at("target").get_to(tuned.setting.target);
    json.at("key").get_to(tuned.setting.key);
    json.at("after").get_to(tuned.setting.value);
    json.at("before").get_to(tuned.before);
    return tuned;
}

}  // namespace

std::string boot_id() { return Tree().read("/proc/sys/kernel/random/boot_id").value_or(""); }

Result<TuneRecord> TuneRecord::open(const std::string& directory, std::string boot) {
    std::error_code code;
    if (std::filesystem::create_directories(directory, code))
        std::filesystem::permissions(directory, std::filesystem::perms::owner_all, code);
    UniqueFd lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock) return error_from_errno(errno, "opening the state directory " + directory);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        return error_from_errno(errno, "locking " + directory, "is another `gabion tune` running?");
    TuneRecord record(directory + "/tune.json", std::move(boot), std::move(lock));
    if (auto loaded = record.load(); !loaded) return loaded.error();
    return record;
}

Result<void> TuneRecord::load() {
    const auto bytes = read_whole(path_, record_bytes_max);
    if (!bytes) return bytes.error();
    if (!*bytes) return {};
    try {
        const auto* begin = reinterpret_cast<const char*>((*bytes)->data());
        const Json json = Json::parse(begin, begin + (*bytes)->size());
        json.at("boot_file").get_to(content.boot_text);
        if (json.at("boot_id").get<std::string>() != boot_) return {};
        for (const Json& one : json.at("settings"))
            content.settings.push_back(from_json(one));
    } catch (const std::exception& error) {
        return Error{path_ + " is no record of tuning: " + error.what() + "; move it away to begin anew", EINVAL};
    }
    return {};
}

Result<void> TuneRecord::save() const {
    if (content.empty()) {
        if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return error_from_errno(errno, "removing " + path_);
        return {};
    }
    Json json{{"boot_id", boot_}, {"boot_file", content.boot_text}, {"settings", Json::array()}};
    for (const auto& tuned : content.settings)
        json["settings"].push_back(to_json(tuned));
    const std::string text = json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
    return write_atomically(path_, std::as_bytes(std::span(text)));
}

}  // namespace gabion::host
