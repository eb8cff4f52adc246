/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What tests tell the test program (bpf/gabion_test.bpf.c) and what it answers: one value in a mmap-able array. */
#ifndef GABION_ABI_TEST_H
#define GABION_ABI_TEST_H

#include "compat.h"
#include "limits.h"

struct gabion_test_run {
	__u32 now;     /* in place of jiffies */
	__u32 queue;   /* in place of the receive queue */
	__u32 cpu;     /* index in `cpus`, in place of the CPU it runs on */
	__u32 reason;  /* out: under which the packet left */
	__u32 one_in;  /* out */
	__u32 instead; /* out: when INSPECTED, under which it is dropped */
	__u32 reserved[10];
} GABION_ALIGNED(GABION_CACHE_LINE);

#endif
