/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sources that proved lately that they are who they say: they completed a handshake with this host, or answered a cookie. Fixed memory: a
 * line of five, the least recently proven gives way. Only a proof writes here, so packets that prove nothing neither fill nor churn it.
 */
#ifndef GABION_ABI_PROVEN_H
#define GABION_ABI_PROVEN_H

#include "compat.h"
#include "limits.h"

#define GABION_PROVEN_PER_BUCKET 5

/*
 * The whole 64-bit keyed hash of the address is kept, not a piece of it: an attacker who claims every IPv4 address there is would find
 * several that share 32 bits with an entry.
 */
struct gabion_proven_bucket {
	__u64 hash[GABION_PROVEN_PER_BUCKET];  /* of the source (bpf/lib/hash.h); 0 = empty */
	__u32 stamp[GABION_PROVEN_PER_BUCKET]; /* tick of the last proof */
	__u32 reserved;
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_proven_bucket) == GABION_CACHE_LINE, "one line a look-up");

#endif
