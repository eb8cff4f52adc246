// SPDX-License-Identifier: Apache-2.0
#include "control/daemon/trial.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>

#include "control/daemon/event_loop.h"
#include "control/daemon/release.h"

namespace gabion::daemon {
namespace {

using namespace std::chrono_literals;

constexpr char orderly = 'o';
// A killed process that holds gigabytes takes its time to go.
constexpr auto patience = 10s;

// Runs in the child. Signals that are meant for the daemon, or for all that belongs to it, do not end it: its daemon's end does.
[[noreturn]] void stand_by(const config::Config& config, const UniqueFd& daemon) {
    ::prctl(PR_SET_NAME, "gabiond-trial");
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGPIPE})
        ::signal(signal, SIG_IGN);
    char word = 0;
    ssize_t count = 0;
    while ((count = ::read(daemon.get(), &word, 1)) < 0 && errno == EINTR) {
    }
    if (count == 1) ::_exit(0);
    const auto released = release_all(config, patience);
    std::cerr << "gabiond: the daemon ended in its trial; "
              << (released ? std::string("everything is taken off") : released.error().text) << std::endl;
    ::_exit(released ? 0 : 1);
}

}  // namespace

Trial::Trial(std::chrono::milliseconds time, pid_t child, UniqueFd alive)
    : time_(time), child_(child), alive_(std::move(alive)), end_(Clock::now() + time) {}

Result<std::unique_ptr<Trial>> Trial::begin(const config::Config& config, std::chrono::milliseconds time) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return error_from_errno(errno, "making a pipe");
    UniqueFd reads(ends[0]);
    UniqueFd writes(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) return error_from_errno(errno, "starting the child that stands by during the trial");
    if (child == 0) {
        writes.reset();
        stand_by(config, reads);
    }
    return std::unique_ptr<Trial>(new Trial(time, child, std::move(writes)));
}

Trial::~Trial() {
    if (loop_ != nullptr) loop_->cancel(timer_);
    dismiss_child();
}

void Trial::dismiss_child() {
    if (!alive_) return;
    // It may have been killed: then nobody reads, and nothing is to be done.
    const ssize_t told = ::write(alive_.get(), &orderly, 1);
    static_cast<void>(told);
    alive_.reset();
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

void Trial::run(EventLoop& loop, std::function<void()> over) {
    loop_ = &loop;
    end_ = Clock::now() + time_;
    timer_ = loop.after(time_, std::move(over));
}

bool Trial::confirm() {
    if (confirmed_) return false;
    confirmed_ = true;
    if (loop_ != nullptr) loop_->cancel(timer_);
    dismiss_child();
    return true;
}

std::optional<std::chrono::seconds> Trial::left() const {
    if (confirmed_) return std::nullopt;
    return std::max(std::chrono::ceil<std::chrono::seconds>(end_ - Clock::now()), std::chrono::seconds(0));
}

}  // namespace gabion::daemon
