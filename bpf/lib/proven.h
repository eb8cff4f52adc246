/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a source proved itself lately, and noting that it did. `hash` is the one of the arrival. A proof is a handshake that this
 * host's own TCP took for complete, or a cookie that came back; nothing that a sender could make up by itself.
 */
#ifndef GABION_LIB_PROVEN_H
#define GABION_LIB_PROVEN_H

#include "proof.h"
#include "tables.h"

GABION_INLINE int gabion_proven(const struct gabion_tables *tables, __u64 hash, __u32 now)
{
	__u32 ticks = gabion_read32(&tables->control->connections.proven_ticks);
	const struct gabion_proven_bucket *bucket;

	if (!ticks)
		return 0;
	bucket = gabion_at(GABION_TABLE(tables, proven), gabion_hash_index(hash, GABION_SETTINGS(tables).proven_mask));
	return bucket && gabion_proof_holds(bucket, hash, now, ticks);
}

GABION_INLINE void gabion_prove(const struct gabion_tables *tables, __u64 hash, __u32 now)
{
	struct gabion_proven_bucket *bucket =
		gabion_at(GABION_TABLE(tables, proven), gabion_hash_index(hash, GABION_SETTINGS(tables).proven_mask));

	if (bucket)
		gabion_proof_note(bucket, hash, now);
}

#endif
