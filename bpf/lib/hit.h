/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How much a drop counts in its ban's hit counter. With many bans sending, that counter is a second line out of the cache for each
 * packet. So a CPU counts the first GABION_HITS_EXACT drops of a tick one by one, and of those that follow one in
 * GABION_HITS_ONE_IN on average, for as many. The gaps are drawn at random, evenly from 1 to twice the mean less one: what a counter
 * expects is what was dropped, whatever the order in which sources send. After n sampled drops of one source the standard
 * deviation is at most sqrt(15 n). The counters of the reasons do not depend on this and are exact.
 */
#ifndef GABION_LIB_HIT_H
#define GABION_LIB_HIT_H

#include "../abi/cpu.h"
#include "random.h"

/* What this drop counts; 0 = nothing. */
GABION_INLINE __u32 gabion_hit_weight(struct gabion_cpu *cpu, __u32 now)
{
	struct gabion_hits *hits = &cpu->hits;

	if (GABION_LIKELY(hits->skip && hits->tick == now)) {
		hits->skip--;
		return 0;
	}
	if (hits->tick != now) {
		hits->tick = now;
		hits->exact_left = GABION_HITS_EXACT;
		if (hits->skip)
			hits->kept = hits->skip;
		hits->skip = 0;
	}
	if (hits->exact_left) {
		hits->exact_left--;
		if (!hits->exact_left) {
			hits->skip = hits->kept;
			hits->kept = 0;
		}
		return 1;
	}
	hits->skip = gabion_gap(gabion_random(&cpu->sampler.random), GABION_HITS_ONE_IN);
	return GABION_HITS_ONE_IN;
}

#endif
