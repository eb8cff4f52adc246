/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Destinations under attack: sampled more thickly, and perhaps capped. A small table of 16-byte keys (IPv4 as ::ffff:a.b.c.d)
 * whose value is 1 + the index of one of these.
 */
#ifndef GABION_ABI_DESTINATION_H
#define GABION_ABI_DESTINATION_H

#include "compat.h"
#include "limits.h"

struct gabion_destination {
	__u32 expires;	    /* as in table.h */
	__u32 one_in;	    /* sampling ratio while the posture is raised; 0 = unchanged */
	__u32 cap_interval; /* ticks * 2^16 for a lot of GABION_CAP_LOT packets; 0 = no cap */
	__u32 cap_burst;    /* in the same unit */
	__u64 schedule;	    /* GCRA, as in quarantine.h; shared by all CPUs, which claim by compare-and-swap */
	__u64 hits;
	__u64 reserved[4];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_destination) == GABION_CACHE_LINE, "one line a destination");

#endif
