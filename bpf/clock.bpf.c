// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the kernel's two clocks together, for user space to relate the ticks in which entries expire to time. Run by
// BPF_PROG_TEST_RUN; asking again until the tick changes tells its edge, and two edges the length of a tick.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi/clock.h"

struct gabion_clock gabion_clock = {};

SEC("syscall")
int read_clock(void *context)
{
	(void)context;
	gabion_clock.jiffies = bpf_jiffies64();
	gabion_clock.boot_ns = bpf_ktime_get_boot_ns();
	gabion_clock.monotonic_ns = bpf_ktime_get_ns();
	return 0;
}

char gabion_license[] SEC("license") = "Dual BSD/GPL";
