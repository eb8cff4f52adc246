// SPDX-License-Identifier: Apache-2.0
// The state directory: bans and allow entries (ban/state_file.h), the detectors' baselines, the breaker's learned peak, and which
// offloads were switched off. Problems are sentences to be told; none of them keeps the daemon from protecting.
#pragma once

#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/ban/state_file.h"
#include "dataplane/core/result.h"
#include "dataplane/net/offload.h"

namespace gabion::ban {
class StateSnapshot;
}

namespace gabion::daemon {

class AnalystThread;
class FloodKeeper;
class PanicKeeper;
class Tables;

class Keeper {
public:
    // Makes the directory if need be (mode 0700).
    static Result<std::unique_ptr<Keeper>> open(const std::string& directory);
    ~Keeper();

    std::vector<std::string> restore(Tables& tables, AnalystThread& analyst, PanicKeeper& panic, FloodKeeper& floods);

    // Ten times a second: when the bans changed, and at most once a second, begins to take them down, a part at each call, since the
    // control thread must not stand still for a million of them. The writing is another thread's. Returns what went wrong since
    // the last call.
    std::vector<std::string> save_bans_when_changed(Tables& tables);
    // Everything, at once.
    std::vector<std::string> save_all(Tables& tables, AnalystThread& analyst, PanicKeeper& panic, FloodKeeper& floods);
    // What was learned, without the bans.
    std::vector<std::string> save_learned(AnalystThread& analyst, PanicKeeper& panic, FloodKeeper& floods);

    // Remembered until they are restored; they survive a killed daemon.
    void remember_offloads(const std::string& interface, const net::OffloadsBefore& before);
    [[nodiscard]] net::OffloadsBefore offloads(const std::string& interface) const;
    void forget_offloads(const std::string& interface);

private:
    explicit Keeper(std::string directory) : directory_(std::move(directory)) {}
    [[nodiscard]] std::string path(const char* name) const { return directory_ + "/" + name; }
    Result<void> write_learned(AnalystThread& analyst, PanicKeeper& panic, FloodKeeper& floods) const;
    void write_snapshot();
    void read_offloads();
    Result<void> write_offloads() const;

    std::string directory_;
    std::uint64_t saved_generation_ = ~0ull;
    std::uint64_t begun_ns_ = 0;
    std::unique_ptr<ban::StateSnapshot> snapshot_;
    std::future<Result<void>> writing_;
    std::map<std::string, net::OffloadsBefore> offloads_;
};

}  // namespace gabion::daemon
