// SPDX-License-Identifier: Apache-2.0
#include "dataplane/map/kernel_clock.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/abi/clock.h"
#include "clock.skel.h"

namespace gabion::map {

void KernelClock::Destroy::operator()(clock_bpf* skeleton) const noexcept { clock_bpf__destroy(skeleton); }

Result<KernelClock> KernelClock::open() {
    std::unique_ptr<clock_bpf, Destroy> skeleton(clock_bpf__open_and_load());
    if (!skeleton)
        return error_from_errno(errno, "loading the program that reads the kernel's clock",
                                errno == EPERM ? "run as root" : "a kernel of 6.1 or later is needed");
    return KernelClock(std::move(skeleton));
}

Result<TickSample> KernelClock::sample() const {
    LIBBPF_OPTS(bpf_test_run_opts, options);
    if (bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.read_clock), &options) != 0)
        return error_from_errno(errno, "reading the kernel's clock");
    return at_tick_edge(skeleton_->bss->gabion_clock.jiffies);
}

}  // namespace gabion::map
