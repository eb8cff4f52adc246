// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/keeper.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "control/daemon/analyst_thread.h"
#include "control/daemon/flood_keeper.h"
#include "control/daemon/panic_keeper.h"
#include "control/daemon/tables.h"
#include "dataplane/core/atomic_file.h"
#include "dataplane/core/clock.h"

namespace gabion::daemon {
namespace {

constexpr const char* bans_file = "bans";
constexpr const char* baseline_file = "baseline";
constexpr const char* breaker_file = "breaker";
constexpr const char* floods_file = "floods";
constexpr const char* offloads_file = "offloads";
constexpr const char* promiscuous_word = "promiscuous";  // no feature has these names
constexpr const char* clsact_word = "clsact";
constexpr std::size_t learned_bytes_max = 64 << 20;
constexpr std::uint64_t save_interval_ns = 1'000'000'000;
constexpr std::size_t records_a_step = 10'000;  // some milliseconds, in which no verdict is put in force
constexpr std::size_t small_bytes_max = 64 << 10;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string text_of(const std::string& path) {
    const auto read = read_whole(path, small_bytes_max);
    if (!read || !*read) return {};
    return {reinterpret_cast<const char*>((*read)->data()), (*read)->size()};
}

}  // namespace

Result<std::unique_ptr<Keeper>> Keeper::open(const std::string& directory) {
    std::error_code code;
    const bool made = std::filesystem::create_directories(directory, code);
    if (code)
        return error_from_errno(code.value(), "making the state directory " + directory,
                                "name another one under [state] directory");
    if (made) std::filesystem::permissions(directory, std::filesystem::perms::owner_all, code);
    std::unique_ptr<Keeper> keeper(new Keeper(directory));
    keeper->read_offloads();
    return keeper;
}

Keeper::~Keeper() {
    if (writing_.valid()) writing_.wait();
}

std::vector<std::string> Keeper::restore(Tables& tables, AnalystThread& analyst, PanicKeeper& panic,
                                         FloodKeeper& floods) {
    std::vector<std::string> problems;
    const auto restored = ban::restore_state(tables.book(), path(bans_file), tables.are_new(), ban::Moment::now());
    if (!restored)
        problems.push_back(restored.error().text + "; what the kernel's tables hold stays in force");
    else if (restored->no_room > 0)
        problems.push_back(std::to_string(restored->no_room) +
                           " saved bans found no room; raise the capacities under [bans]");

    const auto baseline = read_whole(path(baseline_file), learned_bytes_max);
    if (!baseline) problems.push_back(baseline.error().text);
    if (baseline && *baseline) {
        const auto taken = analyst.with(
            [&](detect::Analyst& judge) { return judge.restore_baseline(**baseline, monotonic_now_ns()); });
        if (!taken) problems.push_back(path(baseline_file) + ": " + taken.error().text + "; the detectors learn anew");
    }
    if (const std::string text = text_of(path(breaker_file)); !text.empty())
        panic.restore(std::strtod(text.c_str(), nullptr));
    floods.restore(text_of(path(floods_file)));
    return problems;
}

std::vector<std::string> Keeper::save_bans_when_changed(Tables& tables) {
    using namespace std::chrono_literals;
    std::vector<std::string> problems;
    if (writing_.valid()) {
        if (writing_.wait_for(0s) != std::future_status::ready) return problems;
        if (const auto written = writing_.get(); !written) problems.push_back(written.error().text);
    }
    if (!snapshot_) {
        const std::uint64_t now_ns = boot_now_ns();
        if (tables.book().generation() == saved_generation_ || now_ns - begun_ns_ < save_interval_ns) return problems;
        begun_ns_ = now_ns;
        snapshot_ = std::make_unique<ban::StateSnapshot>(tables.book(), ban::Moment::now());
    }
    if (snapshot_->step(records_a_step)) write_snapshot();
    return problems;
}

// What is left to do does not look at the book any more.
void Keeper::write_snapshot() {
    saved_generation_ = snapshot_->generation();
    writing_ = std::async(std::launch::async, [path = path(bans_file), snapshot = std::move(snapshot_)] {
        return ban::commit_state(path, snapshot->finish());
    });
}

Result<void> Keeper::write_learned(AnalystThread& analyst, PanicKeeper& panic, FloodKeeper& floods) const {
    const auto baseline = analyst.with([](const detect::Analyst& judge) { return judge.save_baseline(); });
    if (auto written = write_atomically(path(baseline_file), baseline); !written) return written;
    if (auto written = write_atomically(path(floods_file), bytes_of(floods.save())); !written) return written;
    return write_atomically(path(breaker_file), bytes_of(std::to_string(panic.learned_peak_pps())));
}

std::vector<std::string> Keeper::save_learned(AnalystThread& analyst, PanicKeeper& panic, FloodKeeper& floods) {
    const auto written = write_learned(analyst, panic, floods);
    return written ? std::vector<std::string>{} : std::vector{written.error().text};
}

std::vector<std::string> Keeper::save_all(Tables& tables, AnalystThread& analyst, PanicKeeper& panic,
                                          FloodKeeper& floods) {
    if (writing_.valid()) (void)writing_.get();
    snapshot_ = std::make_unique<ban::StateSnapshot>(tables.book(), ban::Moment::now());
    snapshot_->step(~std::size_t{0});
    write_snapshot();
    std::vector<std::string> problems;
    if (const auto written = writing_.get(); !written) problems.push_back(written.error().text);
    for (std::string& problem : save_learned(analyst, panic, floods))
        problems.push_back(std::move(problem));
    return problems;
}

// One line an interface: its name, then the features that were switched off, and whether we made it promiscuous or gave it clsact.
void Keeper::read_offloads() {
    std::istringstream lines(text_of(path(offloads_file)));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string interface;
        words >> interface;
        net::OffloadsBefore& before = offloads_[interface];
        for (std::string word; words >> word;)
            if (word == promiscuous_word)
                before.made_promiscuous = true;
            else if (word == clsact_word)
                before.made_clsact = true;
            else
                before.switched_off.push_back(word);
    }
}

Result<void> Keeper::write_offloads() const {
    std::string text;
    for (const auto& [interface, before] : offloads_) {
        text += interface;
        for (const std::string& feature : before.switched_off)
            text += " " + feature;
        if (before.made_promiscuous) text += std::string(" ") + promiscuous_word;
        if (before.made_clsact) text += std::string(" ") + clsact_word;
        text += "\n";
    }
    return write_atomically(path(offloads_file), bytes_of(text));
}

void Keeper::remember_offloads(const std::string& interface, const net::OffloadsBefore& before) {
    if (before.switched_off.empty() && !before.made_promiscuous && !before.made_clsact) return;
    net::OffloadsBefore& kept = offloads_[interface];
    kept.switched_off.insert(kept.switched_off.end(), before.switched_off.begin(), before.switched_off.end());
    kept.made_promiscuous |= before.made_promiscuous;
    kept.made_clsact |= before.made_clsact;
    (void)write_offloads();
}

net::OffloadsBefore Keeper::offloads(const std::string& interface) const {
    const auto found = offloads_.find(interface);
    return found == offloads_.end() ? net::OffloadsBefore{} : found->second;
}

void Keeper::forget_offloads(const std::string& interface) {
    if (offloads_.erase(interface) != 0) (void)write_offloads();
}

}  // namespace gabion::daemon
