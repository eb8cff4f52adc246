// SPDX-License-Identifier: Apache-2.0
#include "control/host/tuning.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <span>

#include "dataplane/core/atomic_file.h"
#include "dataplane/net/link.h"
#include "dataplane/net/offload.h"

namespace gabion::host {

namespace {

constexpr std::size_t boot_file_bytes_max = 1 << 16;

auto place_of(std::vector<Tuned>& settings, const Setting& setting) {
    return std::find_if(settings.begin(), settings.end(),
                        [&](const Tuned& tuned) { return tuned.setting.same_place(setting); });
}

// Before anything is changed: what each place holds. What it holds from an earlier tuning is not what was there before.
std::vector<Outcome> note_before(TuneRecord& record, const std::vector<Setting>& wanted) {
    std::vector<Outcome> outcomes;
    for (const auto& setting : wanted) {
        Outcome outcome{setting, {}, Done::changed, refusal_of(setting)};
        const auto now =
            outcome.error.empty() ? value_in_force(setting) : Result<std::string>(Error{outcome.error, EINVAL});
        if (now) outcome.before = *now;
        if (!now) outcome.error = now.error().text;
        if (!now) outcome.done = Done::failed;
        if (now && *now == setting.value) outcome.done = Done::already;
        if (outcome.done == Done::changed) {
            auto& settings = record.content.settings;
            const auto known = place_of(settings, setting);
            if (known == settings.end())
                settings.push_back({setting, *now});
            else
                known->setting.value = setting.value;
        }
        outcomes.push_back(std::move(outcome));
    }
    return outcomes;
}

void change(Outcome& outcome) {
    if (const auto done = put_in_force(outcome.setting); !done) {
        outcome.done = Done::failed;
        outcome.error = done.error().text;
        return;
    }
    // What a driver rounded is what undo must find again.
    if (const auto now = value_in_force(outcome.setting)) outcome.setting.value = *now;
}

// Tags and merged frames would reach the workers of a gabiond that relies on their being off.
std::string why_not_now(const Setting& setting) {
    if (setting.kind != SettingKind::feature || setting.value != "on" || !net::harms_handover(setting.key)) return {};
    const auto link = net::link_by_name(setting.target);
    if (!link || link->xdp_program == 0) return {};
    return "an XDP program is on " + setting.target + ", which needs " + setting.key +
           " off; stop gabiond and take it off first";
}

Outcome take_back(const Tuned& tuned) {
    Outcome outcome{tuned.setting, tuned.setting.value, Done::changed, {}};
    outcome.setting.value = tuned.before;
    const auto now = value_in_force(tuned.setting);
    if (now && *now == tuned.before) {
        outcome.done = Done::already;
        return outcome;
    }
    if (now && *now != tuned.setting.value) {
        outcome.done = Done::left;
        outcome.error = "it is " + *now + " now, and not what tuning made it";
        outcome.setting.value = *now;
        return outcome;
    }
    outcome.error = now ? why_not_now(outcome.setting) : now.error().text;
    if (outcome.error.empty()) {
        if (const auto done = put_in_force(outcome.setting); !done) outcome.error = done.error().text;
    }
    if (!outcome.error.empty()) outcome.done = Done::failed;
    return outcome;
}

}  // namespace

Result<std::vector<Outcome>> apply(TuneRecord& record, const std::vector<Setting>& wanted) {
    const auto earlier = record.content;
    auto outcomes = note_before(record, wanted);
    if (auto saved = record.save(); !saved) {
        record.content = earlier;
        return saved.error();
    }
    for (auto& outcome : outcomes) {
        if (outcome.done != Done::changed) continue;
        change(outcome);
        auto& settings = record.content.settings;
        const auto noted = place_of(settings, outcome.setting);
        if (outcome.done == Done::changed) {
            noted->setting.value = outcome.setting.value;
            continue;
        }
        // Nothing came of it: what was noted of an earlier tuning still holds.
        auto before = earlier.settings;
        const auto known = place_of(before, outcome.setting);
        if (known == before.end())
            settings.erase(noted);
        else
            *noted = *known;
    }
    if (auto saved = record.save(); !saved) return saved.error();
    return outcomes;
}

Result<std::vector<Outcome>> undo(TuneRecord& record) {
    std::vector<Outcome> outcomes;
    std::vector<Tuned> kept;
    auto& settings = record.content.settings;
    for (auto tuned = settings.rbegin(); tuned != settings.rend(); ++tuned) {
        outcomes.push_back(take_back(*tuned));
        if (outcomes.back().done == Done::failed) kept.push_back(*tuned);
    }
    settings.assign(kept.rbegin(), kept.rend());
    if (auto saved = record.save(); !saved) return saved.error();
    return outcomes;
}

Result<void> write_boot_file(TuneRecord& record, const std::string& path, const std::string& text) {
    const auto present = read_whole(path, boot_file_bytes_max);
    if (!present) return present.error();
    if (*present) {
        const std::string old(reinterpret_cast<const char*>((*present)->data()), (*present)->size());
        if (old != record.content.boot_text && old != text)
            return Error{path + " is there and not as Gabion wrote it; move it away first", EEXIST};
    }
    record.content.boot_text = text;
    if (auto saved = record.save(); !saved) return saved.error();
    if (auto written = write_atomically(path, std::as_bytes(std::span(text))); !written) return written.error();
    constexpr mode_t for_all_to_read = 0644;
    if (::chmod(path.c_str(), for_all_to_read) != 0) return error_from_errno(errno, "opening " + path + " to readers");
    return {};
}

Result<bool> remove_boot_file(TuneRecord& record, const std::string& path) {
    if (record.content.boot_text.empty()) return false;
    const auto present = read_whole(path, boot_file_bytes_max);
    if (!present) return present.error();
    if (*present) {
        const std::string text(reinterpret_cast<const char*>((*present)->data()), (*present)->size());
        if (text != record.content.boot_text)
            return Error{path + " is not as Gabion wrote it: it is left alone; take it away by hand", EEXIST};
        if (::unlink(path.c_str()) != 0) return error_from_errno(errno, "removing " + path);
    }
    record.content.boot_text.clear();
    if (auto saved = record.save(); !saved) return saved.error();
    return present->has_value();
}

}  // namespace gabion::host
