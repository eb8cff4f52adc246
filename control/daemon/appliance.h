// SPDX-License-Identifier: Apache-2.0
// What runs under run_gabiond(): the protection, and the answers to what the control socket asks. appliance.cpp answers about the
// whole and its counters, appliance_lists.cpp about bans and the allow list, appliance_why.cpp about one address.
#pragma once

#include <memory>

#include "control/daemon/run.h"
#include "dataplane/ban/entry.h"

namespace gabion::detect {
struct Evidence;
}

namespace gabion::daemon {

class Profiler;
class Protection;
class Reloader;

class Appliance final : public Service {
public:
    // Protects already when it is returned.
    static Result<std::unique_ptr<Service>> make(const config::Config& config, EventLoop& loop, EventLog& events);
    ~Appliance() override;

    void apply(const config::Config& next, std::function<void(Result<ReloadReport>)> done) override;
    void stop(bool keep_enforcing) override;
    bool keeps_enforcing() override;
    std::string summary() override;

    Result<Status> status() override;
    Result<CountersReport> counters(bool per_core) override;
    Result<PanicState> panic() override;
    Result<PanicState> set_panic(const std::string& mode) override;
    Result<std::string> configuration() override;

    Result<std::optional<WallTime>> add_ban(const BanRequest& request) override;
    Result<unsigned> remove_ban(const Prefix& target) override;
    Result<Page<BanEntry>> list_bans(const PageRequest& request) override;
    void load_bans(BanLoad load, std::function<void(Result<LoadReport>)> done) override;
    Result<void> add_allow(const AllowRequest& request) override;
    Result<unsigned> remove_allow(const Prefix& target) override;
    Result<Page<AllowEntry>> list_allow(const PageRequest& request) override;

    Result<WhyReport> why(const Prefix& target) override;
    std::function<void()> profile(std::chrono::seconds time, std::function<void(Result<ProfileReport>)> done) override;

private:
    struct Loading;

    explicit Appliance(std::unique_ptr<Protection> protection);
    void step_load();

    std::unique_ptr<Protection> protection_;
    std::unique_ptr<Loading> loading_;
    std::unique_ptr<Profiler> profiler_;
    std::unique_ptr<Reloader> reloader_;
};

// The socket's view of a book's entry.
BanEntry ban_entry(const ban::Entry& entry);
AllowEntry allow_entry(const ban::Entry& entry);
EvidenceReport evidence_report(const detect::Evidence& evidence);

}  // namespace gabion::daemon
