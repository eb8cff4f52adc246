// SPDX-License-Identifier: Apache-2.0
// A new configuration, put in force whole or not at all. What the kernel reads from a page counts at once. Where load-time data differ (the
// switches of stages, what an interface's program is loaded with, sizes of tables), programs and tables are made beside those at work, in
// the background, and exchanged in one step of the control thread: each packet meets the old or the new, none neither. On the control
// thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "control/config/config.h"
#include "control/daemon/background.h"
#include "control/daemon/methods.h"
#include "dataplane/core/result.h"

namespace gabion::daemon {

class Protection;

class Reloader {
public:
    using Done = std::function<void(Result<ReloadReport>)>;

    // `before_programs` is called when programs will be exchanged, before any is loaded: whoever has put another one in place takes it back.
    Reloader(Protection& protection, std::function<void()> before_programs);
    ~Reloader();
    Reloader(const Reloader&) = delete;
    Reloader& operator=(const Reloader&) = delete;

    // `done` is called once: at once where no program changes. One at a time: another one is refused.
    void start(const config::Config& next, Done done);
    [[nodiscard]] bool busy() const noexcept { return run_ != nullptr; }
    // Gives up a reload under way; who asked for it is told why.
    void stop(const std::string& why);

private:
    struct Run;
    struct Target;

    [[nodiscard]] bool needs_programs(const config::Config& next) const;
    void prepare(Run& run);
    void end();
    Result<void> commit(Run& run);
    Result<void> exchange_programs(Run& run);
    void take_back(Run& run, std::size_t placed);

    Protection& protection_;
    std::function<void()> before_programs_;
    std::shared_ptr<Run> run_;
    Background background_;
};

}  // namespace gabion::daemon
