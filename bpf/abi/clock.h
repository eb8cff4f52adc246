/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's clocks, read at one moment by bpf/clock.bpf.c. */
#ifndef GABION_ABI_CLOCK_H
#define GABION_ABI_CLOCK_H

#include "compat.h"

struct gabion_clock {
	__u64 jiffies;
	__u64 boot_ns;	    /* CLOCK_BOOTTIME */
	__u64 monotonic_ns; /* CLOCK_MONOTONIC */
};

#endif
