// SPDX-License-Identifier: Apache-2.0
// The daemon around what protects the network: command line, configuration, log, event loop, control socket, systemd, signals. That is a
// Service, made by the function that main.cpp hands in.
#pragma once

#include <functional>
#include <memory>

#include "control/config/config.h"
#include "control/daemon/methods.h"
#include "dataplane/core/result.h"

namespace gabion::daemon {

class EventLoop;

// What run_gabiond() drives. Everything is called on the control thread.
class Service : public ControlSurface {
public:
    // Puts a checked configuration in force, all or nothing, and tells which keys count now and which wait for a restart. `done` is
    // called once, at once or some rounds of the loop later.
    virtual void apply(const config::Config& next, std::function<void(Result<ReloadReport>)> done) = 0;

    // Orderly end: hands back what it holds, saves its state, and leaves the kernel stage enforcing or detaches it.
    virtual void stop(bool keep_enforcing) = 0;
    // What the configuration in force wants of a stop.
    virtual bool keeps_enforcing() = 0;

    // One line for `systemctl status`.
    virtual std::string summary() = 0;

    // From the file, by way of apply().
    void reload(std::function<void(Result<ReloadReport>)> done) final { reload_from_file(std::move(done)); }

    bool confirm() final { return confirm_trial && confirm_trial(); }

    // Set by run_gabiond(); the last two only when it runs for a limited time.
    std::function<void(std::function<void(Result<ReloadReport>)>)> reload_from_file;
    std::function<bool()> confirm_trial;
    std::function<std::optional<std::chrono::seconds>()> trial_left;
};

// Makes a service that protects already when it is returned.
using MakeService =
    std::function<Result<std::unique_ptr<Service>>(const config::Config& config, EventLoop& loop, EventLog& events)>;

// Parses the arguments and runs until SIGTERM or SIGINT, or until SIGUSR1, after which the kernel stage goes on enforcing whatever is
// configured: a successor is about to start. The exit status: 0 done, 1 failed, 2 wrong usage.
int run_gabiond(int argc, const char* const* argv, const MakeService& make);

}  // namespace gabion::daemon
