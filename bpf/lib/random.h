/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A CPU's random numbers: xorshift32 (Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8, 2003), good enough to choose
 * packets by and without a call. The state is never 0; a state of 0 means that it was never seeded.
 */
#ifndef GABION_LIB_RANDOM_H
#define GABION_LIB_RANDOM_H

#include "home.h"

GABION_INLINE __u32 gabion_seed(void)
{
#ifdef __bpf__
	return bpf_get_prandom_u32() | 1;
#else
	return 0x9e3779b9u;
#endif
}

GABION_INLINE __u32 gabion_random(__u32 *state)
{
	__u32 x = *state;

	if (GABION_UNLIKELY(!x))
		x = gabion_seed();
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*state = x;
	return x;
}

/* Packets to let go by until the next that is chosen: 0 to 2 (n - 1), evenly, so that one in n is. `random`: any 32 bits. */
GABION_INLINE __u32 gabion_gap(__u32 random, __u32 one_in)
{
	return GABION_CAST(__u32, GABION_CAST(__u64, random) * (2 * one_in - 1) >> 32);
}

#endif
