// SPDX-License-Identifier: Apache-2.0
// Programs and functions that a probe runs beside itself, in another network namespace if need be. A child dies with the process that
// started it. Nothing here returns an error: a probe that cannot go on says why and ends with status 1.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/core/fd.h"

namespace gabion::probe {

[[noreturn]] void fail(const std::string& text);

// A program run in the background, its standard output kept.
class Child {
public:
    Child(pid_t pid, UniqueFd output) noexcept : pid_(pid), output_(std::move(output)) {}
    Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)), output_(std::move(other.output_)) {}
    Child& operator=(Child&&) = delete;
    ~Child();

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    std::string line();  // next line of its output
    int wait();          // status, as of waitpid
    void signal(int number) const;
    // Waits for its end and returns the rest of its output; a bad status is a failure.
    std::string finish();

private:
    pid_t pid_ = 0;
    UniqueFd output_;
    std::string buffer_;
};

// `body` runs in a child, its standard output kept, and its result is the child's status; namespace_fd: of a network namespace, or -1 for
// that of the caller.
Child start_child(int namespace_fd, const std::function<int()>& body);
Child start_child(int namespace_fd, const std::vector<std::string>& command);

}  // namespace gabion::probe
