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

#define GABION_COUNT_MAX 0xfffeu

/* Instead of the place of a source that is not there. */
#define GABION_SOURCE_FRESH 8u

GABION_INLINE __u32 gabion_source_tag(__u64 hash)
{
	return GABION_CAST(__u32, hash) | 1;
}

GABION_INLINE __u32 gabion_source_check(__u64 hash)
{
	return GABION_CAST(__u32, hash >> 32);
}

/* The set's counts lose half of what they hold in each `period`, so that what was heavy once does not stay for ever. */
GABION_INLINE void gabion_source_age(struct gabion_source_set *set, __u32 now, __u32 period)
{
	__u32 elapsed = now - set->aged_at, i;

	if (GABION_LIKELY(elapsed < period))
		return;
	set->aged_at = now;
	GABION_ROLLED
	for (i = 0; i < GABION_SOURCES_PER_SET; i++)
		set->count[i] = GABION_CAST(__u16, set->count[i] >> (elapsed / 2 < period ? 1 : 15));
}

/* 1 when both are the same; without a branch, or the verifier would walk every combination. */
GABION_INLINE __u32 gabion_source_same(__u32 one, __u32 other)
{
	__u64 difference = one ^ other;

	difference -= 1;
	__asm__("" : "+r"(difference));
	return GABION_CAST(__u32, difference >> 63);
}

/* The smaller of two numbers below 2^63. */
GABION_INLINE __u64 gabion_source_lesser(__u64 one, __u64 other)
{
	__u64 sign = one - other;

	__asm__("" : "+r"(sign));
	return other + (sign & (0 - (sign >> 63)));
}

/*
 * The place of a source in its set, or GABION_SOURCE_FRESH when it is not there. Without a branch, like gabion_source_same.
 * `hash`: its lower half must not be what chose the set.
 */
GABION_INLINE __u32 gabion_source_own(const struct gabion_source_set *set, __u64 hash)
{
	__u32 tag = gabion_source_tag(hash), place = GABION_SOURCE_FRESH, i;

	GABION_UNROLL
	for (i = 0; i < GABION_SOURCES_PER_SET; i++)
		place ^= (place ^ i) & (0 - gabion_source_same(set->tag[i], tag));
	return place;
}

/* The place that a newcomer may have: an empty one, else that of the source with the fewest packets. */
GABION_INLINE __u32 gabion_source_least(const struct gabion_source_set *set)
{
	__u64 best = ~0ull >> 1;
	__u32 i;

	GABION_ROLLED
	for (i = 0; i < GABION_SOURCES_PER_SET; i++) {
		__u64 taken = 1 - gabion_source_same(set->tag[i], 0);

		/* the place's number in the lowest bits */
		best = gabion_source_lesser(best, (set->count[i] + 1ull) * taken << 3 | i);
	}
	return best & (GABION_SOURCES_PER_SET - 1);
}

/* Counts the source in its place, which becomes its own. */
GABION_INLINE void gabion_source_settle(struct gabion_source_set *set, __u64 hash, __u32 place)
{
	place &= GABION_SOURCES_PER_SET - 1;
	set->tag[place] = gabion_source_tag(hash);
	if (set->count[place] < GABION_COUNT_MAX)
		set->count[place]++;
}

GABION_INLINE void gabion_source_begin(struct gabion_source *source, __u64 hash, __u32 now)
{
	__u32 i;

	source->check = gabion_source_check(hash);
	source->at = source->window_at = now;
	source->score = source->seen = source->dropped = source->last_seen = source->last_dropped = 0;
	source->last_ticks = source->above = 0;
	GABION_ROLLED
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
	forgiven = GABION_CAST(__u64, elapsed) * decay;
	source->score = source->score > forgiven ? GABION_CAST(__u32, source->score - forgiven) : 0;
	if (elapsed > GABION_LEVEL_TICKS_MAX)
		elapsed = GABION_LEVEL_TICKS_MAX;
	sunk = elapsed << GABION_LEVEL_SHIFT;
	GABION_ROLLED
	for (i = 0; i < GABION_RATE_COUNT; i++) {
		__u32 level = source->level[i];

		source->level[i] = level > sunk ? level - sunk : 0;
	}
}

/*
 * Counts a packet, in windows of `window` ticks, each of which begins with the first packet after the end of the one before. Returns the
 * rates that the source offended against in the window that has ended with this packet. Being above a rate alone is no offence: every
 * TCP goes up to what it is granted, loses a packet, and slows down. Losing half of all packets and going on is one; and so are
 * handshakes, of which none is dropped.
 */
GABION_INLINE __u32 gabion_source_count(struct gabion_source *source, __u32 now, __u32 window)
{
	__u32 elapsed = now - source->window_at, offences = 0;

	if (GABION_UNLIKELY(elapsed >= window)) {
		offences = source->above;
		if (source->dropped < source->seen - source->dropped)
			offences &= 1u << GABION_RATE_CONNECTIONS;
		source->last_seen = source->seen;
		source->last_dropped = source->dropped;
		source->last_ticks = GABION_CAST(__u16, elapsed > 0xffff ? 0xffff : elapsed);
		source->seen = source->dropped = 0;
		source->above = 0;
		source->window_at = now;
	}
	source->seen++;
	return offences;
}

/* What `amount` of a rate adds to its level. */
GABION_INLINE __u64 gabion_source_cost(const struct gabion_source_limits *limits, __u32 rate, __u32 amount)
{
	return limits->cost[rate] * amount >> (32 - GABION_LEVEL_SHIFT);
}

/* The rates that every packet counts under. */
#define GABION_RATES_OF_ALL (1u << GABION_RATE_PACKETS | 1u << GABION_RATE_BYTES)

/* Takes a packet that counts under those of all and one more, where there is plainly room for it: what nearly all are. */
GABION_INLINE int gabion_source_fits(struct gabion_source *source, const struct gabion_source_limits *limits,
				     __u32 rate, __u32 bytes)
{
	__u64 packets = source->level[GABION_RATE_PACKETS] + gabion_source_cost(limits, GABION_RATE_PACKETS, 1);
	__u64 volume = source->level[GABION_RATE_BYTES] + gabion_source_cost(limits, GABION_RATE_BYTES, bytes);
	__u64 kind = source->level[rate] + gabion_source_cost(limits, rate, 1);

	if (packets > limits->depth || volume > limits->depth || kind > limits->depth)
		return 0;
	source->level[GABION_RATE_PACKETS] = GABION_CAST(__u32, packets);
	source->level[GABION_RATE_BYTES] = GABION_CAST(__u32, volume);
	source->level[rate] = GABION_CAST(__u32, kind);
	return 1;
}

/* gabion_source_take for whatever rates, one by one. */
GABION_INLINE __u32 gabion_source_take_each(struct gabion_source *source, const struct gabion_source_limits *limits,
					    __u32 rates, __u32 bytes)
{
	__u32 above = 0, i;

	GABION_ROLLED
	for (i = 0; i < GABION_RATE_COUNT; i++) {
		__u64 cost = gabion_source_cost(limits, i, i == GABION_RATE_BYTES ? bytes : 1);
		__u32 level = source->level[i];

		if (rates >> i & 1 && cost && level && level + cost > limits->depth)
			above |= 1u << i;
	}
	if (above)
		return above;
	GABION_ROLLED
	for (i = 0; i < GABION_RATE_COUNT; i++) {
		__u64 level = source->level[i] + gabion_source_cost(limits, i, i == GABION_RATE_BYTES ? bytes : 1);

		if (rates >> i & 1)
			source->level[i] = level > 0xffffffffu ? 0xffffffffu : GABION_CAST(__u32, level);
	}
	return 0;
}

/*
 * Takes one packet of `bytes` that counts under the rates in the bits of `rates`. Returns the bits of those that have no room for it;
 * then nothing is taken, so that what passes is as much as the lowest rate allows. A bucket always has room for one packet.
 */
GABION_INLINE __u32 gabion_source_take(struct gabion_source *source, const struct gabion_source_limits *limits,
				       __u32 rates, __u32 bytes)
{
	if (rates == (GABION_RATES_OF_ALL | 1u << GABION_RATE_TCP) &&
	    gabion_source_fits(source, limits, GABION_RATE_TCP, bytes))
		return 0;
	if (rates == (GABION_RATES_OF_ALL | 1u << GABION_RATE_UDP) &&
	    gabion_source_fits(source, limits, GABION_RATE_UDP, bytes))
		return 0;
	return gabion_source_take_each(source, limits, rates, bytes);
}

/*
 * Adds the points of offences to the score. Returns whether it has reached the threshold; both are times 2^16, and a threshold of 0 is never
 * reached.
 */
GABION_INLINE int gabion_source_score(struct gabion_source *source, __u32 offences, const __u32 *points,
				      __u32 threshold)
{
	__u32 score = source->score, i;

	GABION_ROLLED
	for (i = 0; i < GABION_RATE_COUNT; i++)
		score += (offences >> i & 1) * points[i];
	source->score = score;
	return threshold && score >= threshold;
}

#endif
