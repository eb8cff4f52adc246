/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What travels in front of a handed-over packet, in its XDP metadata: why it was chosen and how many packets it stands for. */
#ifndef GABION_ABI_SAMPLE_H
#define GABION_ABI_SAMPLE_H

#include "compat.h"

#define GABION_SAMPLE_MAGIC 0x6742u

struct gabion_sample {
	__u16 magic;
	__u16 reason;  /* enum gabion_reason: SAMPLED, SUSPICIOUS, or one that drops, which the worker then does */
	__u32 one_in;  /* packets that this one stands for; 1 when suspicious */
	__u64 time_ns; /* CLOCK_MONOTONIC when it was chosen */
};

_Static_assert(sizeof(struct gabion_sample) == 16, "metadata comes in fours, at most 32 bytes");

#endif
