// SPDX-License-Identifier: Apache-2.0
// `gabion profile`. In the first half of its time the ordinary programs run, and the kernel's statistics say what a whole one costs. In the
// second half the profiling program stands in their place and times the stages; then the ordinary one comes back, whatever ends the
// run: its time, the asker's leaving, the daemon's stop, an error. Between two programs no packet goes by unfiltered. On the control
// thread; loading and counting happen in the background.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "control/daemon/background.h"
#include "control/daemon/event_loop.h"
#include "control/daemon/profile_report.h"
#include "dataplane/core/result.h"

namespace gabion::daemon {

class Protection;

class Profiler {
public:
    using Done = std::function<void(Result<ProfileReport>)>;

    explicit Profiler(Protection& protection);
    ~Profiler();
    Profiler(const Profiler&) = delete;
    Profiler& operator=(const Profiler&) = delete;

    // One run at a time: another one is refused. `done` is called once. Returns what ends the run early, when nobody waits for it any more.
    std::function<void()> start(std::chrono::seconds time, Done done);

    // Ends a run under way; who asked for it is told why.
    void stop(const std::string& why);

private:
    struct Run;
    struct Target;

    void prepare(Run& run, std::chrono::seconds time);
    void begin();   // the programs are in the kernel: the first half
    void swap();    // the second
    void finish();  // what was measured is read
    void answer();
    void put_back();
    void read(Target& target);

    Protection& protection_;
    std::shared_ptr<Run> run_;  // none: nobody profiles
    Background background_;
};

}  // namespace gabion::daemon
