// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/reloader.h"

#include <optional>
#include <vector>

#include "control/daemon/protection.h"
#include "control/daemon/settings.h"
#include "dataplane/core/clock.h"

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;

// Workers may be in the middle of a look-up in what was exchanged.
constexpr auto former_tables_stay = 1s;

}  // namespace

struct Reloader::Target {
    ProtectedInterface* interface = nullptr;
    unsigned opening = 0;
    map::HostFacts facts;              // as configured
    map::HostFacts possible;           // of these, what can work on the interface
    std::optional<map::MapGroup> own;  // none: the interface is away, and will load its programs when it comes
    std::optional<map::KernelStage> stage;
};

struct Reloader::Run {
    config::Config next;
    ReloadReport report;
    Done done;
    map::PinDirectory pins;
    map::MapGroup shared;  // in the end with the tables of the sizes asked for
    std::vector<Target> targets;
    std::optional<Tables::Others> others;
    std::optional<Error> problem;

    // In the background: some hundred ms an interface.
    Result<void> load() {
        auto made = Tables::make_others(shared, pins, capacities(next));
        if (!made) return made.error();
        shared = std::move(*made);
        for (Target& target : targets) {
            if (!target.own) continue;
            auto stage = map::KernelStage::load(shared, *target.own, target.possible, own_mark);
            if (!stage) return stage.error();
            target.stage.emplace(std::move(*stage));
        }
        return {};
    }
};

Reloader::Reloader(Protection& protection, std::function<void()> before_programs)
    : protection_(protection), before_programs_(std::move(before_programs)), background_(protection.loop()) {}

Reloader::~Reloader() { stop("gabiond stops"); }

bool Reloader::needs_programs(const config::Config& next) const {
    if (!(capacities(next) == capacities(protection_.config()))) return true;
    const auto& interfaces = protection_.interfaces();
    for (std::size_t i = 0; i < interfaces.size(); ++i)
        if (!(load_facts(next, next.interfaces[i]) == interfaces[i]->facts())) return true;
    return false;
}

void Reloader::prepare(Run& run) {
    const auto& interfaces = protection_.interfaces();
    for (std::size_t i = 0; i < interfaces.size(); ++i) {
        ProtectedInterface* interface = interfaces[i]->xdp();
        if (interface == nullptr) continue;
        Target target;
        target.interface = interface;
        target.opening = interface->openings();
        target.facts = load_facts(run.next, run.next.interfaces[i]);
        target.possible = interface->possible(target.facts);
        if (interface->present()) target.own.emplace(*interface->own_maps());
        run.targets.push_back(std::move(target));
    }
}

void Reloader::start(const config::Config& next, Done done) {
    if (run_ || background_.busy()) return done(Error{"another reload is under way", EBUSY});
    config::ConfigDifference changes = config::difference(protection_.config(), next);
    config::Config target = config::reloaded(protection_.config(), next);
    ReloadReport report{std::move(changes.live), std::move(changes.restart)};
    if (!needs_programs(target)) {
        if (auto applied = protection_.apply(target); !applied) return done(applied.error());
        return done(std::move(report));
    }
    // Their threads hold on to the tables that they began with.
    for (const auto& interface : protection_.interfaces())
        if (interface->xdp() == nullptr)
            return done(Error{"other stages or sizes of tables were asked for, and " + interface->settings().name +
                                  " is on DPDK, where they need a restart",
                              ENOTSUP});
    before_programs_();
    Tables& tables = protection_.tables();
    run_ = std::make_shared<Run>(
        Run{std::move(target), std::move(report), std::move(done), tables.pins(), tables.shared(), {}, {}, {}});
    prepare(*run_);
    background_.run(
        [run = run_] {
            if (auto loaded = run->load(); !loaded) run->problem = loaded.error();
        },
        [this, run = run_.get()] {
            if (run_.get() == run) end();
        });
}

void Reloader::end() {
    const std::shared_ptr<Run> run = std::move(run_);
    if (!run->problem)
        if (auto committed = commit(*run); !committed) run->problem = committed.error();
    if (run->problem) {
        run->shared.drop_names(run->pins);
        return run->done(*run->problem);
    }
    run->done(std::move(run->report));
}

Result<void> Reloader::exchange_programs(Run& run) {
    for (std::size_t i = 0; i < run.targets.size(); ++i) {
        Target& target = run.targets[i];
        const bool same = target.opening == target.interface->openings();
        if (same && !target.interface->present()) continue;
        auto exchanged = same && target.stage
                             ? target.interface->exchange_programs(*target.stage)
                             : Error{target.interface->settings().name + " came back meanwhile; reload again", EAGAIN};
        if (exchanged) continue;
        take_back(run, i);
        return exchanged;
    }
    return {};
}

void Reloader::take_back(Run& run, std::size_t placed) {
    for (std::size_t i = 0; i < placed; ++i) {
        Target& target = run.targets[i];
        if (!target.stage || !target.interface->present()) continue;
        if (auto back = target.interface->exchange_programs(*target.stage); !back)
            protection_.events().raise(Severity::warning, "swap-failed", back.error().text);
    }
}

// Nothing else runs on the control thread meanwhile, so that both tables hold the same until the end.
Result<void> Reloader::commit(Run& run) {
    Tables& tables = protection_.tables();
    auto filled = tables.fill_others(run.shared, book_options(run.next));
    if (!filled) return filled.error();
    run.others.emplace(std::move(*filled));
    auto placed = exchange_programs(run);
    if (placed) {
        tables.exchange(*run.others);
        if (placed = protection_.apply(run.next); !placed) {
            take_back(run, run.targets.size());
            tables.exchange(*run.others);
        }
        // What the programs that ran before, or in between, still had in their hands is done with after a grace.
        ban::sleep_a_grace();
        tables.book().add_hits_of(run.others->bans);
    }
    if (!placed) return placed;
    for (const Target& target : run.targets)
        target.interface->set_facts(target.facts);
    if (auto named = tables.take_names(); !named)
        protection_.events().raise(Severity::warning, "state", named.error().text);
    protection_.loop().after(former_tables_stay,
                             [former = std::make_shared<Tables::Others>(std::move(*run.others))] {});
    return {};
}

void Reloader::stop(const std::string& why) {
    if (!run_) return;
    const std::shared_ptr<Run> run = std::move(run_);
    run->done(Error{"the reload was given up: " + why, ECANCELED});
}

}  // namespace gabion::daemon
