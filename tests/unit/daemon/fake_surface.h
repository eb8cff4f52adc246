// SPDX-License-Identifier: Apache-2.0
// An appliance without an appliance: answers every method from plain members, and remembers what it was asked.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "control/daemon/methods.h"

namespace gabion::daemon {

class FakeSurface : public ControlSurface {
public:
    Result<Status> status() override { return status_; }
    Result<CountersReport> counters(bool per_core) override {
        CountersReport report = counters_;
        if (!per_core) report.cpus.clear();
        return report;
    }
    bool confirm() override { return std::exchange(on_trial, false); }
    Result<std::optional<WallTime>> add_ban(const BanRequest& request) override {
        ban_requests.push_back(request);
        if (refuse_bans) return Error{"the table is full; [bans] capacity", ENOSPC};
        BanEntry& entry = bans_[request.target];
        entry.target = request.target;
        entry.tier = entry.reason = "operator";
        entry.note = request.note;
        entry.since = start;
        if (request.duration) entry.expires = start + *request.duration;
        return entry.expires;
    }
    Result<unsigned> remove_ban(const Prefix& target) override { return static_cast<unsigned>(bans_.erase(target)); }
    Result<Page<BanEntry>> list_bans(const PageRequest& request) override {
        Page<BanEntry> page;
        auto at = bans_.begin();
        if (!request.cursor.empty()) {
            const auto after = Prefix::parse(request.cursor);
            if (!after) return after.error();
            at = bans_.upper_bound(*after);
        }
        for (; at != bans_.end() && page.entries.size() < request.limit; ++at)
            page.entries.push_back(at->second);
        if (at != bans_.end()) page.next = page.entries.back().target.text();
        return page;
    }
    void load_bans(BanLoad load, std::function<void(Result<LoadReport>)> done) override {
        LoadReport report;
        for (const auto& line : load.targets) {
            ++report.loaded;
            if (!bans_.contains(line.target)) ++report.added;
            bans_[line.target] = BanEntry{line.target, "operator", "operator", load.note, start, std::nullopt, 0, {}};
        }
        if (hold_loads)
            held_load = [done, report] { done(report); };
        else
            done(report);
    }
    Result<void> add_allow(const AllowRequest& request) override {
        allow_[request.target] = AllowEntry{request.target, request.skip, request.note, "operator", start};
        return {};
    }
    Result<unsigned> remove_allow(const Prefix& target) override { return static_cast<unsigned>(allow_.erase(target)); }
    Result<Page<AllowEntry>> list_allow(const PageRequest&) override {
        Page<AllowEntry> page;
        for (const auto& [target, entry] : allow_)
            page.entries.push_back(entry);
        return page;
    }
    Result<PanicState> panic() override { return panic_; }
    Result<PanicState> set_panic(const std::string& mode) override {
        panic_.mode = mode;
        panic_.tripped = mode == "on";
        return panic_;
    }
    Result<WhyReport> why(const Prefix& target) override {
        WhyReport report{target, "its packets pass", {}};
        if (const auto found = bans_.find(target); found != bans_.end())
            report = {target, "all its packets are dropped", {{"ban", "banned by the operator", found->second, {}}}};
        return report;
    }
    std::function<void()> profile(std::chrono::seconds time, std::function<void(Result<ProfileReport>)> done) override {
        profile_time = time;
        if (!hold_profiles) {
            done(profile_);
            return {};
        }
        profile_done = std::move(done);
        return [this] { profile_left = true; };
    }
    void reload(std::function<void(Result<ReloadReport>)> done) override { done(reload_); }
    Result<std::string> configuration() override { return std::string("dry_run = false\n"); }

    WallTime start{std::chrono::milliseconds(1'940'000'000'250)};  // 2031-06-23T16:53:20.250Z
    bool on_trial = false;
    bool refuse_bans = false;
    std::chrono::seconds profile_time{0};
    bool hold_profiles = false;
    ProfileReport profile_;
    std::function<void(Result<ProfileReport>)> profile_done;
    bool profile_left = false;
    bool hold_loads = false;
    std::function<void()> held_load;
    std::vector<BanRequest> ban_requests;
    Status status_;
    CountersReport counters_;
    PanicState panic_;
    Result<ReloadReport> reload_ = ReloadReport{{"panic.mode"}, {"bans.capacity"}};
    std::map<Prefix, BanEntry> bans_;
    std::map<Prefix, AllowEntry> allow_;
};

}  // namespace gabion::daemon
