/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting, and what a reason alone decides: whether the packet is dropped, handed over or answered. */
#ifndef GABION_LIB_COUNT_H
#define GABION_LIB_COUNT_H

#include "../abi/control.h"
#include "../abi/cpu.h"
#include "home.h"

GABION_INLINE void gabion_tally(struct gabion_count *count, __u32 bytes)
{
	count->packets += 1;
	count->bytes += bytes;
}

/* The reasons with a given action, as a set of bits: a compile-time constant, so that nothing is looked up. */
#define GABION_REASON_BIT_DROP(id, name, action, help)                                                                 \
	| (GABION_ACTION_##action == GABION_ACTION_DROP ? 1ull << GABION_REASON_##id : 0)
#define GABION_REASON_BIT_HAND_OVER(id, name, action, help)                                                            \
	| (GABION_ACTION_##action == GABION_ACTION_HAND_OVER ? 1ull << GABION_REASON_##id : 0)
#define GABION_REASON_BIT_ANSWER(id, name, action, help)                                                               \
	| (GABION_ACTION_##action == GABION_ACTION_ANSWER ? 1ull << GABION_REASON_##id : 0)
#define GABION_DROP_REASONS	 (0ull GABION_REASONS(GABION_REASON_BIT_DROP))
#define GABION_HAND_OVER_REASONS (0ull GABION_REASONS(GABION_REASON_BIT_HAND_OVER))
#define GABION_ANSWER_REASONS	 (0ull GABION_REASONS(GABION_REASON_BIT_ANSWER))

GABION_INLINE int gabion_drops(__u32 reason)
{
	return (GABION_DROP_REASONS >> (reason & (GABION_REASON_SLOTS - 1)) & 1) != 0;
}

/* Whether a packet is dropped for how many of its kind there are, or what is on, rather than for what it is or whence it comes. */
GABION_INLINE int gabion_drops_by_rate(__u32 reason)
{
	const __u64 reasons =
		1ull << GABION_REASON_DESTINATION_CAP | 1ull << GABION_REASON_CAP_UDP | 1ull << GABION_REASON_CAP_ICMP |
		1ull << GABION_REASON_CAP_SYN | 1ull << GABION_REASON_CAP_PORT | 1ull << GABION_REASON_ACK_UNKNOWN |
		1ull << GABION_REASON_RST_UNKNOWN | 1ull << GABION_REASON_SYNACK_UNASKED |
		1ull << GABION_REASON_SYN_UNANSWERED | 1ull << GABION_REASON_SYN_FIRST | 1ull << GABION_REASON_SYN_CAP |
		1ull << GABION_REASON_SOURCE_RATE | 1ull << GABION_REASON_NEW_SOURCE;

	return (reasons >> (reason & (GABION_REASON_SLOTS - 1)) & 1) != 0;
}

GABION_INLINE int gabion_hands_over(__u32 reason)
{
	return (GABION_HAND_OVER_REASONS >> (reason & (GABION_REASON_SLOTS - 1)) & 1) != 0;
}

GABION_INLINE int gabion_answers(__u32 reason)
{
	return (GABION_ANSWER_REASONS >> (reason & (GABION_REASON_SLOTS - 1)) & 1) != 0;
}

#endif
