// SPDX-License-Identifier: Apache-2.0
// Asks the kernel for its jiffies, which no file shows: entries expire in them, and TickClock relates them to boot time.
#pragma once

#include <memory>

#include "dataplane/core/clock.h"
#include "dataplane/core/result.h"

struct clock_bpf;

namespace gabion::map {

class KernelClock {
public:
    static Result<KernelClock> open();

    [[nodiscard]] Result<TickSample> sample() const;

private:
    struct Destroy {
        void operator()(clock_bpf* skeleton) const noexcept;
    };
    explicit KernelClock(std::unique_ptr<clock_bpf, Destroy> skeleton) noexcept : skeleton_(std::move(skeleton)) {}

    std::unique_ptr<clock_bpf, Destroy> skeleton_;
};

}  // namespace gabion::map
