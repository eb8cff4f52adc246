// SPDX-License-Identifier: Apache-2.0
// The kernel's own statistics of what programs cost (BPF_ENABLE_STATS, Linux 5.8): for each run it reads the clock before and
// after, for all programs of the host, as long as somebody asks it to. Needs CAP_SYS_ADMIN. Times are ns.
#pragma once

#include <cstdint>

#include "dataplane/core/fd.h"
#include "dataplane/core/result.h"

namespace gabion::map {

struct Runs {
    std::uint64_t count = 0;
    std::uint64_t ns = 0;  // sum
};

class RunTime {
public:
    // The kernel counts while this lives.
    static Result<RunTime> enable();

    // What is in a mean besides the program: the mean of an empty program, run some thousand times.
    [[nodiscard]] Result<double> empty_ns() const;

private:
    explicit RunTime(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

    UniqueFd fd_;
};

// Of a program, since it was loaded and while anybody had it counted.
Result<Runs> runs_of(int program_fd);

}  // namespace gabion::map
