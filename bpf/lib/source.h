/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rates and score of one source (bpf/abi/source.h), and where it is kept. CPUs may work on one source at the same time: what they lose
 * of each other's counts is to the source's advantage, and small as long as it sends less than several CPUs can take.
 *
 * A newcomer takes the place of the source with the fewest packets in its set, not of the oldest, and inherits its count: the
 * Space-Saving algorithm (Metwally, Agrawal & El Abbadi, "Efficient computation of frequent and top-k elements in data streams", 2005,
 * section 3). Whoever sends more than an eighth of its set's packets therefore stays, however many others pass by.
 */
#ifndef GABION_LIB_SOURCE_H
#define GABION_LIB_SOURCE_H

#include "../abi/source.h"
#include "home.h"

#define GABION_COUNT_MAX 0xffffu

/* The set's counts lose half of what they hold in each `period`, so that what was heavy once does not stay for ever. */
GABION_INLINE void gabion_source_age(struct gabion_source_set *set, __u32 now, __u32 period)
{
	__u32 elapsed = now - set->aged_at, i;

	if (GABION_LIKELY(elapsed < period))
		return;
	set->aged_at = now;
	GABION_UNROLL
	for (i = 0; i < GABION_SOURCES_PER_SET; i++)
		set->count[i] = elapsed / 2 < period ? set->count[i] / 2 : 0;
}

/*
 * The place of a source in its set, which is counted there. *fresh: it was not there, and whatever stands in that place is another's.
 * `hash`: its lower half must not be what chose the set.
 */
GABION_INLINE __u32 gabion_source_place(struct gabion_source_set *set, __u64 hash, __u32 now, __u32 period,
					__u32 *fresh)
{
	__u32 tag = GABION_CAST(__u32, hash) | 1, place = 0, least = ~0u, i;

	gabion_source_age(set, now, period);
	*fresh = 1;
	GABION_UNROLL
	for (i = 0; i < GABION_SOURCES_PER_SET; i++) {
		__u32 worth = set->tag[i] ? set->count[i] + 1u : 0;

		if (set->tag[i] == tag) {
			*fresh = 0;
			place = i;
			break;
		}
		if (worth < least) {
			least = worth;
			place = i;
		}
	}
	place &= GABION_SOURCES_PER_SET - 1;
	if (*fresh)
		set->tag[place] = tag;
	if (set->count[place] < GABION_COUNT_MAX)
		set->count[place]++;
	return place;
}

GABION_INLINE void gabion_source_begin(struct gabion_source *source, __u64 hash, __u32 now)
{
	__u32 i;

	source->hash = hash;
	source->at = source->scored_at = now;
	source->score = source->held_until = source->seen = 0;
	source->offences = 0;
	GABION_UNROLL
	for (i = 0; i < GABION_RATE_COUNT; i++)
		source->level[i] = 0;
}

/* Levels and score sink with time. `decay`: of the score in a tick, times 2^16. */
GABION_INLINE void gabion_source_drain(struct gabion_source *source, __u32 now, __u32 decay)
{
	__u32 elapsed = now - source->at, sunk, i;
	__u64 forgiven;

	if (GABION_LIKELY(!elapsed))
		return;
	source->at = now;
	if (elapsed > GABION_LEVEL_TICKS_MAX)
		elapsed = GABION_LEVEL_TICKS_MAX;
	sunk = elapsed << GABION_LEVEL_SHIFT;
	GABION_UNROLL
	for (i = 0; i < GABION_RATE_COUNT; i++)
		source->level[i] = source->level[i] > sunk ? source->level[i] - sunk : 0;
	forgiven = GABION_CAST(__u64, elapsed) * decay;
	source->score = source->score > forgiven ? GABION_CAST(__u32, source->score - forgiven) : 0;
}

/* What `amount` of a rate adds to its level. */
GABION_INLINE __u64 gabion_source_cost(const struct gabion_source_limits *limits, __u32 rate, __u32 amount)
{
	return limits->cost[rate] * amount >> (32 - GABION_LEVEL_SHIFT);
}

/*
 * Takes one packet of `bytes` that counts under the rates in the bits of `rates`. Returns the bits of those that have no room for it;
 * then nothing is taken, so that what passes is as much as the lowest rate allows.
 */
GABION_INLINE __u32 gabion_source_take(struct gabion_source *source, const struct gabion_source_limits *limits,
				       __u32 rates, __u32 bytes)
{
	__u32 above = 0, i;

	source->seen++;
	GABION_UNROLL
	for (i = 0; i < GABION_RATE_COUNT; i++) {
		__u64 cost = gabion_source_cost(limits, i, i == GABION_RATE_BYTES ? bytes : 1);

		if (rates >> i & 1 && source->level[i] + cost > limits->depth && cost)
			above |= 1u << i;
	}
	if (above)
		return above;
	GABION_UNROLL
	for (i = 0; i < GABION_RATE_COUNT; i++)
		if (rates >> i & 1)
			source->level[i] +=
				GABION_CAST(__u32, gabion_source_cost(limits, i, i == GABION_RATE_BYTES ? bytes : 1));
	return 0;
}

/*
 * A packet was above the rates in the bits of `above`: each adds its points once in a window of `window` ticks. Returns whether the score
 * has reached the threshold. `points`: times 2^16, as is the threshold.
 */
GABION_INLINE int gabion_source_offends(struct gabion_source *source, __u32 above, const __u32 *points, __u32 threshold,
					__u32 window, __u32 now)
{
	__u32 fresh, i;

	if (now - source->scored_at >= window) {
		source->scored_at = now;
		source->offences = 0;
		source->seen = 1;
	}
	fresh = above & ~GABION_CAST(__u32, source->offences);
	source->offences = GABION_CAST(__u16, source->offences | above);
	GABION_UNROLL
	for (i = 0; i < GABION_RATE_COUNT; i++)
		if (fresh >> i & 1)
			source->score += points[i];
	return source->score >= threshold;
}

#endif
