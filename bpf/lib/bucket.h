/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rates. A token bucket for one writer (tokens times 2^16, refilled by the tick), and the generic cell rate algorithm for buckets
 * that CPUs share (ITU-T I.371, annex A, virtual scheduling; times in ticks * 2^16).
 */
#ifndef GABION_LIB_BUCKET_H
#define GABION_LIB_BUCKET_H

#include "home.h"

#define GABION_TICK	  (1u << 16)
#define GABION_GCRA_TRIES 4

/* Longer rests fill any bucket; more would overflow. */
#define GABION_REFILL_TICKS_MAX 0xffffu

GABION_INLINE __u64 gabion_refilled(__u64 tokens, __u64 rate, __u64 depth, __u32 elapsed)
{
	if (elapsed > GABION_REFILL_TICKS_MAX)
		return depth;
	tokens += rate * elapsed;
	return tokens > depth ? depth : tokens;
}

/*
 * How far `schedule` lies ahead of now, in ticks * 2^16: 0 when it has passed. Now has 32 bits of ticks, so the difference is
 * taken modulo 2^48; what lies further ahead than the bucket can ever get is from long ago.
 */
GABION_INLINE __u64 gabion_gcra_ahead(__u64 schedule, __u32 now, __u64 ahead_max)
{
	__u64 ahead = (schedule - (GABION_CAST(__u64, now) << 16)) & 0xffffffffffffull;

	return ahead > ahead_max ? 0 : ahead;
}

/*
 * Takes one cell of `interval` if the bucket is at most `burst` ahead. Time moves by the tick, so what is due within one may
 * always come at once. Whoever loses the race too often is over the rate.
 */
GABION_INLINE int gabion_gcra(__u64 *schedule, __u32 interval, __u32 burst, __u32 now)
{
	__u64 limit;
	__u32 try_;

	if (!interval)
		return 0;
	if (interval < GABION_TICK && burst < GABION_TICK - interval)
		burst = GABION_TICK - interval;
	limit = GABION_CAST(__u64, interval) + burst;
	for (try_ = 0; try_ < GABION_GCRA_TRIES; try_++) {
		__u64 old = gabion_read64(schedule);
		__u64 ahead = gabion_gcra_ahead(old, now, limit);

		if (ahead > burst)
			return 0;
		if (__sync_val_compare_and_swap(schedule, old, (GABION_CAST(__u64, now) << 16) + ahead + interval) ==
		    old)
			return 1;
	}
	return 0;
}

#endif
