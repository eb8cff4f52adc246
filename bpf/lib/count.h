/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting and the one way out: a packet leaves under one reason, which alone decides what becomes of it. */
#ifndef GABION_LIB_COUNT_H
#define GABION_LIB_COUNT_H

#include "../abi/control.h"
#include "../abi/cpu.h"
#include "home.h"

GABION_INLINE void gabion_count(struct gabion_count *count, __u32 bytes)
{
	count->packets += 1;
	count->bytes += bytes;
}

/* The reasons with a given action, as a set of bits: a compile-time constant, so that nothing is looked up. */
#define GABION_REASON_BIT_DROP(id, name, action, help) \
	| (GABION_ACTION_##action == GABION_ACTION_DROP ? 1ull << GABION_REASON_##id : 0)
#define GABION_REASON_BIT_HAND_OVER(id, name, action, help) \
	| (GABION_ACTION_##action == GABION_ACTION_HAND_OVER ? 1ull << GABION_REASON_##id : 0)
#define GABION_DROP_REASONS (0ull GABION_REASONS(GABION_REASON_BIT_DROP))
#define GABION_HAND_OVER_REASONS (0ull GABION_REASONS(GABION_REASON_BIT_HAND_OVER))

GABION_INLINE int gabion_drops(__u32 reason)
{
	return (GABION_DROP_REASONS >> (reason & (GABION_REASON_SLOTS - 1)) & 1) != 0;
}

GABION_INLINE int gabion_hands_over(__u32 reason)
{
	return (GABION_HAND_OVER_REASONS >> (reason & (GABION_REASON_SLOTS - 1)) & 1) != 0;
}

/* Counts the packet and returns the reason under which it left: the one it came with, or DRY_RUN in place of a drop. */
GABION_INLINE __u32 gabion_leave(struct gabion_cpu *cpu, __u32 reason, __u32 bytes, __u32 dry_run)
{
	reason &= GABION_REASON_SLOTS - 1;
	if (gabion_drops(reason)) {
		if (GABION_UNLIKELY(dry_run)) {
			gabion_count(&cpu->would_drop[reason], bytes);
			reason = GABION_REASON_DRY_RUN;
		}
	}
	gabion_count(&cpu->reason[reason], bytes);
	return reason;
}

#endif
