// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/run.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <deque>
#include <iostream>

#include "control/daemon/event_loop.h"
#include "control/daemon/events.h"
#include "control/daemon/log.h"
#include "control/daemon/notify.h"
#include "control/daemon/options.h"
#include "control/daemon/release.h"
#include "control/daemon/server.h"
#include "control/daemon/trial.h"
#include "dataplane/core/duration.h"

namespace gabion::daemon {
namespace {

constexpr std::chrono::seconds event_tick{1};

int fail(const std::string& text) {
    std::cerr << "gabiond: " << text << '\n';
    return 1;
}

// Everything that lives as long as the daemon. Members are destroyed in reverse: the service first, whose last events still go to
// the log and the server.
class Daemon {
public:
    Daemon(DaemonOptions options, config::Config config, std::unique_ptr<Trial> trial)
        : options_(std::move(options)), config_(std::move(config)), trial_(std::move(trial)) {}

    Result<void> start(const MakeService& make) {
        set_log_level(config_.log_level);
        auto loop = EventLoop::create();
        if (!loop) return loop.error();
        loop_ = *std::move(loop);
        // Before any thread starts: they inherit which signals are blocked.
        if (auto signals =
                loop_->on_signals({SIGHUP, SIGTERM, SIGINT, SIGUSR1}, [this](int signal) { on_signal(signal); });
            !signals)
            return signals;
        events_.listen(log_event);
        loop_->every(event_tick, [this] { events_.tick(); });
        // First the socket, whose lock keeps a second daemon out, then what touches the network.
        if (auto listening = listen(); !listening) return listening;
        auto service = make(config_, *loop_, events_);
        if (!service) return service.error();
        service_ = *std::move(service);
        service_->reload_from_file = [this](ReloadDone done) { reload(std::move(done)); };
        if (trial_) begin_trial();
        register_methods(*server_, *service_, events_);
        if (const auto period = watchdog_period()) loop_->every(*period, notify_watchdog);
        notify_ready(service_->summary());
        events_.raise(Severity::notice, "started",
                      "gabiond " GABION_VERSION " protects " + service_->summary() +
                          (trial_ ? ", for " + duration_text(*options_.trial) + " unless confirmed" : ""));
        return {};
    }

    Result<void> run() {
        auto ended = loop_->run();
        notify_stopping();
        // What was not confirmed never stays, however it ends.
        const bool on_trial = trial_ && !trial_->confirmed();
        const bool keep = !on_trial && (successor_comes_ || service_->keeps_enforcing());
        events_.raise(Severity::notice, "stopping",
                      "gabiond stops; the kernel stage " + std::string(keep ? "goes on enforcing" : "is detached"));
        service_->stop(keep);
        return ended;
    }

private:
    using ReloadDone = std::function<void(Result<ReloadReport>)>;

    Result<void> listen() {
        ServerSettings settings;
        settings.path = config_.control.socket;
        settings.group = config_.control.group;
        auto server = Server::listen(*loop_, settings, [this](const std::string& text) {
            events_.raise(Severity::warning, "client-cut-off", text);
        });
        if (!server) return server.error();
        server_ = *std::move(server);
        return {};
    }

    void begin_trial() {
        service_->trial_left = [this] { return trial_->left(); };
        service_->confirm_trial = [this] {
            if (!trial_->confirm()) return false;
            events_.raise(Severity::notice, "trial-confirmed", "gabiond was confirmed and stays");
            return true;
        };
        trial_->run(*loop_, [this] {
            events_.raise(
                Severity::warning, "trial-over",
                "nobody confirmed gabiond within " + duration_text(*options_.trial) + ": everything is taken off");
            loop_->stop();
        });
    }

    void on_signal(int signal) {
        successor_comes_ = signal == SIGUSR1;
        if (signal != SIGHUP) return loop_->stop();
        reload([](const Result<ReloadReport>& report) {
            if (!report) log_error("reload: " + report.error().text);
        });
    }

    // One that comes while another is under way waits for it: the file may have changed since that one read it.
    void reload(ReloadDone done) {
        reloads_.push_back(std::move(done));
        if (reloads_.size() == 1) next_reload();
    }

    void next_reload() {
        notify_reloading();
        auto reading = config::read_config(options_.config, options_.interface);
        if (!reading.config) return reloaded(Error{reading.problem_text(), EBADMSG});
        const std::string log_level = reading.config->log_level;
        service_->apply(*reading.config, [this, log_level](Result<ReloadReport> report) {
            if (report) set_log_level(log_level);
            reloaded(std::move(report));
        });
    }

    void reloaded(Result<ReloadReport> report) {
        if (report)
            events_.raise(Severity::notice, "reloaded", options_.config + " is in force");
        else
            events_.raise(Severity::warning, "reload-refused", "nothing was changed: " + report.error().text);
        notify_ready(service_->summary());
        const ReloadDone done = std::move(reloads_.front());
        reloads_.pop_front();
        done(std::move(report));
        if (!reloads_.empty()) loop_->defer([this] { next_reload(); });
    }

    DaemonOptions options_;
    config::Config config_;
    EventLog events_;
    bool successor_comes_ = false;
    std::deque<ReloadDone> reloads_;  // the first is under way
    std::unique_ptr<EventLoop> loop_;
    std::unique_ptr<Trial> trial_;  // outlived by the loop; goes when everything is taken off
    std::unique_ptr<Server> server_;
    std::unique_ptr<Service> service_;
};

// Packets wait for the workers and verdicts for the control loop, and each of their turns is short: on a CPU that they share, all threads
// of gabiond go first. Without CAP_SYS_NICE they run as they are.
void go_first() {
    constexpr int niceness = -10;
    static_cast<void>(::setpriority(PRIO_PROCESS, 0, niceness));
}

int detach(const config::Config& config) {
    const auto released = release_all(config, std::chrono::milliseconds(0));
    if (!released) return fail(released.error().text);
    for (const std::string& name : *released)
        std::cout << name << " is no longer protected\n";
    if (released->empty()) std::cout << "nothing was in force\n";
    return 0;
}

}  // namespace

int run_gabiond(int argc, const char* const* argv, const MakeService& make) {
    const auto parsed = parse_options(argc, argv);
    if (!parsed.options) return parsed.exit_status;
    const DaemonOptions& options = *parsed.options;
    auto reading = config::read_config(options.config, options.interface);
    if (!reading.config) {
        std::cerr << reading.problem_text() << '\n';
        return 1;
    }
    if (options.check) {
        std::cout << options.config << " is right\n";
        return 0;
    }
    if (::geteuid() != 0) return fail("needs root, to load programs into the kernel and open AF_XDP sockets");
    if (options.detach) return detach(*reading.config);
    ::signal(SIGPIPE, SIG_IGN);
    go_first();
    std::unique_ptr<Trial> trial;
    if (options.trial) {
        auto begun = Trial::begin(*reading.config, *options.trial);
        if (!begun) return fail(begun.error().text);
        trial = *std::move(begun);
    }
    Daemon daemon(options, *std::move(reading.config), std::move(trial));
    if (const auto started = daemon.start(make); !started) return fail(started.error().text);
    if (const auto ended = daemon.run(); !ended) return fail(ended.error().text);
    return 0;
}

}  // namespace gabion::daemon
