// SPDX-License-Identifier: Apache-2.0
#include "tests/netns/child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace gabion::probe {
namespace {

std::vector<char*> arguments_of(const std::vector<std::string>& command) {
    std::vector<char*> result;
    for (const auto& part : command)
        result.push_back(const_cast<char*>(part.c_str()));
    result.push_back(nullptr);
    return result;
}

}  // namespace

void fail(const std::string& text) {
    std::fprintf(stderr, "failed: %s\n", text.c_str());
    std::exit(1);
}

Child::~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

std::string Child::line() {
    for (;;) {
        const auto end = buffer_.find('\n');
        if (end != std::string::npos) {
            std::string result = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return result;
        }
        char bytes[4096];
        const auto count = ::read(output_.get(), bytes, sizeof bytes);
        if (count <= 0) return std::exchange(buffer_, {});
        buffer_.append(bytes, static_cast<std::size_t>(count));
    }
}

int Child::wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return status;
}

void Child::signal(int number) const { ::kill(pid_, number); }

std::string Child::finish() {
    std::string all;
    for (std::string one = line(); !one.empty(); one = line())
        all += one + "\n";
    const int status = wait();
    if (status != 0) fail("a child ended with status " + std::to_string(status) + ": " + all);
    return all;
}

Child start_child(int namespace_fd, const std::function<int()>& body) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid < 0) fail("fork");
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(ends[1], STDOUT_FILENO);
        if (namespace_fd >= 0 && ::setns(namespace_fd, CLONE_NEWNET) != 0) ::_exit(126);
        const int status = body();
        std::fflush(nullptr);
        ::_exit(status);
    }
    ::close(ends[1]);
    return Child(pid, UniqueFd(ends[0]));
}

Child start_child(int namespace_fd, const std::vector<std::string>& command) {
    return start_child(namespace_fd, [&] {
        ::execvp(command[0].c_str(), arguments_of(command).data());
        return 127;
    });
}

}  // namespace gabion::probe
