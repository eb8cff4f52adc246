/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A line of the table of proven sources (bpf/abi/proven.h): asked and written. CPUs may write one line at the same time; since each of them
 * has a proof in its hands, the worst that comes of it is a proof forgotten, which the source's next packet makes good.
 */
#ifndef GABION_LIB_PROOF_H
#define GABION_LIB_PROOF_H

#include "../abi/proven.h"
#include "hash.h"
#include "home.h"

/* How a source's hash stands in its line: never 0. */
GABION_INLINE __u64 gabion_proof_key(__u64 hash)
{
	return hash ? hash : 1;
}

GABION_INLINE int gabion_proof_holds(const struct gabion_proven_bucket *bucket, __u64 hash, __u32 now, __u32 ticks)
{
	__u64 key = gabion_proof_key(hash);
	__u32 i;

	GABION_UNROLL
	for (i = 0; i < GABION_PROVEN_PER_BUCKET; i++)
		if (gabion_read64(&bucket->hash[i]) == key && now - gabion_read32(&bucket->stamp[i]) < ticks)
			return 1;
	return 0;
}

/* Its own place, else an empty or the least recently proven one. */
GABION_INLINE void gabion_proof_note(struct gabion_proven_bucket *bucket, __u64 hash, __u32 now)
{
	volatile __u64 *at = &bucket->hash[0];
	volatile __u32 *stamp = &bucket->stamp[0];
	__u64 key = gabion_proof_key(hash);
	__u64 oldest = 0;
	__u32 i;

	GABION_UNROLL
	for (i = 0; i < GABION_PROVEN_PER_BUCKET; i++) {
		__u64 held = gabion_read64(&bucket->hash[i]);
		__u64 age = held ? GABION_CAST(__u64, now - gabion_read32(&bucket->stamp[i])) + 1 : ~0ull;

		if (held == key) {
			if (bucket->stamp[i] != now) /* else the line is left clean */
				bucket->stamp[i] = now;
			return;
		}
		if (age > oldest) {
			oldest = age;
			at = &bucket->hash[i];
			stamp = &bucket->stamp[i];
		}
	}
	*at = 0; /* the former source's hash never stands beside the new stamp */
	*stamp = now;
	*at = key;
}

#endif
