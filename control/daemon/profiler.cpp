// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/profiler.h"

#include <algorithm>
#include <optional>

#include "control/daemon/map_use.h"
#include "control/daemon/protection.h"
#include "dataplane/core/clock.h"
#include "dataplane/map/profiling_stage.h"
#include "dataplane/map/run_time.h"

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;

// What a run may be late by before the profiling program stops by itself: a program that a killed daemon leaves behind times nothing.
constexpr std::uint32_t until_margin_s = 30;

ProgramCost cost_between(const char* name, map::Runs before, map::Runs after, double empty_ns) {
    ProgramCost cost{.name = name, .runs = after.count - before.count};
    if (cost.runs > 0)
        cost.ns = std::max(0.0, static_cast<double>(after.ns - before.ns) / static_cast<double>(cost.runs) - empty_ns);
    return cost;
}

map::Runs runs_or_none(int program_fd) {
    const auto runs = map::runs_of(program_fd);
    return runs ? *runs : map::Runs{};
}

}  // namespace

struct Profiler::Target {
    ProtectedInterface* interface = nullptr;
    unsigned opening = 0;
    std::optional<map::ProfilingStage> stage;
    bool in_place = false;
    counter::Totals before;
    std::vector<map::Runs> runs_before;
    ProfiledInterface report;
};

struct Profiler::Run {
    Done done;
    std::chrono::milliseconds half{0};
    EventLoop::TimerId timer = 0;
    std::optional<map::RunTime> run_time;
    std::vector<Target> targets;
    std::uint64_t began_ns = 0;
    ProfileReport report;
};

Profiler::Profiler(Protection& protection) : protection_(protection), background_(protection.loop()) {}

Profiler::~Profiler() { stop("gabiond stops"); }

void Profiler::prepare(Run& run, std::chrono::seconds time) {
    run.half = std::chrono::milliseconds(time) / 2;
    if (auto enabled = map::RunTime::enable(); enabled)
        run.run_time.emplace(std::move(*enabled));
    else
        run.report.programs_note = enabled.error().text;
    const auto ticks = (static_cast<std::uint32_t>(time.count()) + until_margin_s) * protection_.tables().clock().hz();
    for (const auto& one : protection_.interfaces()) {
        ProtectedInterface* interface = one->xdp();
        if (interface == nullptr) continue;
        Target target;
        target.interface = interface;
        target.opening = interface->openings();
        target.report.name = interface->settings().name;
        target.report.attach = interface->attach_name();
        auto stage = interface->profiling_stage(protection_.tables().now_ticks() + ticks);
        if (stage)
            target.stage.emplace(std::move(*stage));
        else
            target.report.note = stage.error().text;
        run.targets.push_back(std::move(target));
    }
}

std::function<void()> Profiler::start(std::chrono::seconds time, Done done) {
    if (run_ || background_.busy()) {
        done(Error{"another profile is under way; this one can begin when it has ended", EBUSY});
        return {};
    }
    run_ = std::make_shared<Run>();
    run_->done = std::move(done);
    prepare(*run_, time);
    background_.run(
        [run = run_] {
            if (run->run_time)
                if (const auto empty = run->run_time->empty_ns()) run->report.empty_ns = *empty;
            for (Target& target : run->targets) {
                if (!target.stage) continue;
                if (auto loaded = target.stage->load(); !loaded) {
                    target.report.note = loaded.error().text;
                    target.stage.reset();
                }
            }
        },
        [this, run = run_.get()] {
            if (run_.get() == run) begin();
        });
    return [this, run = std::weak_ptr<Run>(run_)] {
        if (run_ && run.lock() == run_) stop("nobody waits for the answer");
    };
}

void Profiler::begin() {
    run_->began_ns = monotonic_now_ns();
    protection_.events().raise(Severity::info, "profile-began",
                               "profiling for " + std::to_string(run_->half.count() * 2) + " ms");
    for (Target& target : run_->targets) {
        target.before = target.interface->totals();
        for (const auto& [name, program] : target.interface->programs())
            target.runs_before.push_back(runs_or_none(program));
    }
    run_->timer = protection_.loop().after(run_->half, [this] { swap(); });
}

void Profiler::swap() {
    for (Target& target : run_->targets) {
        const bool same = target.opening == target.interface->openings();
        if (!same) target.report.note = "it went away and came back meanwhile";
        const auto programs = target.interface->programs();
        for (std::size_t i = 0; same && run_->run_time && i < programs.size(); ++i)
            target.report.programs.push_back(cost_between(programs[i].first, target.runs_before[i],
                                                          runs_or_none(programs[i].second), run_->report.empty_ns));
        if (!same || !target.stage) continue;
        const auto placed = target.interface->put_in_place(target.stage->xdp_fd());
        target.in_place = static_cast<bool>(placed);
        if (!placed) target.report.note = placed.error().text;
    }
    run_->timer = protection_.loop().after(run_->half, [this] { finish(); });
}

void Profiler::put_back() {
    for (Target& target : run_->targets) {
        if (!target.in_place) continue;
        target.in_place = false;
        if (target.opening == target.interface->openings() && target.interface->present())
            target.interface->put_back();
        else
            target.report.note = "it went away meanwhile";
    }
}

void Profiler::read(Target& target) {
    const counter::Totals after = target.interface->totals();
    target.report.received = after.received.packets - target.before.received.packets;
    for (std::size_t i = 0; i < counter::reasons().size(); ++i) {
        const std::uint64_t packets = after.reason[i].packets - target.before.reason[i].packets;
        if (packets > 0) target.report.reasons.emplace_back(counter::reasons()[i].name, packets);
    }
    if (target.stage && target.report.note.empty()) {
        target.report.stages = counter::stage_times(target.stage->times());
        if (run_->run_time)
            target.report.profiling =
                cost_between("xdp, timed", {}, runs_or_none(target.stage->xdp_fd()), run_->report.empty_ns);
    }
    run_->report.interfaces.push_back(std::move(target.report));
    if (const map::MapGroup* own = target.interface->own_maps()) {
        const auto sockets = target.interface->workers(protection_.tables().now_ticks()).size();
        for (MapUse& use : use_of_interface(*own, target.interface->settings().name, sockets))
            run_->report.maps.push_back(std::move(use));
    }
}

void Profiler::finish() {
    run_->timer = 0;
    put_back();
    run_->report.seconds = static_cast<double>(monotonic_now_ns() - run_->began_ns) / 1e9;
    for (Target& target : run_->targets)
        read(target);
    run_->run_time.reset();
    const map::MapGroup shared = protection_.tables().shared();
    for (MapUse& use : use_of_sets(shared, protection_.tables().book()))
        run_->report.maps.push_back(std::move(use));
    background_.run(
        [run = run_, shared] {
            for (MapUse& use : use_of_others(shared))
                run->report.maps.push_back(std::move(use));
        },
        [this, run = run_.get()] {
            if (run_.get() == run) answer();
        });
}

void Profiler::answer() {
    const std::shared_ptr<Run> run = std::move(run_);
    protection_.events().raise(Severity::info, "profile-ended", "the ordinary program is in place");
    run->done(std::move(run->report));
}

void Profiler::stop(const std::string& why) {
    if (!run_) return;
    if (run_->timer != 0) protection_.loop().cancel(run_->timer);
    put_back();
    const std::shared_ptr<Run> run = std::move(run_);
    protection_.events().raise(Severity::info, "profile-ended", "before its time: " + why);
    run->done(Error{"the profile ended before its time: " + why, ECANCELED});
}

}  // namespace gabion::daemon
