/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The allow list: empty flag, Bloom filter, exact, prefixes (bpf/abi/prefix.h: asked once for all sets). The filter only says "surely not"; what lets a packet through is the
 * entry itself, and the entry says which checks it spares.
 */
#ifndef GABION_STAGE_ALLOW_H
#define GABION_STAGE_ALLOW_H

#include "../abi/reason.h"
#include "../lib/bloom.h"
#include "../lib/sets.h"

/* May the list hold this very address? Asked without looking at the list itself. */
GABION_INLINE int gabion_maybe_allowed(__u32 version, const struct gabion_tables *tables, __u64 hash)
{
	const struct gabion_control *control = tables->control;
	const struct gabion_set_header *header = &control->set[GABION_SET_ALLOW];

	if (version == 4 ? !header->exact4 : !header->exact6)
		return 0;
	return gabion_bloom_has(GABION_TABLE(tables, allow_bloom), GABION_SETTINGS(tables).allow_bloom_mask,
				gabion_read32(&control->allow_bloom), hash);
}

GABION_OUTLINE __u64 gabion_allow_look(GABION_OUTLINE_TABLES const struct gabion_address *source, __u32 version,
				       __u64 hash)
{
	GABION_OUTLINE_FIND_TABLES();
	return source ? gabion_allow_exact(source->word, version, tables, hash, 0) : 0;
}

/* The entry's value, GABION_ALLOW_ENTRY among its bits; 0 when there is none. The address itself comes before its prefixes. */
GABION_INLINE __u32 gabion_allowed(const struct gabion_address *source, __u32 version,
				   const struct gabion_tables *tables, __u64 hash, struct gabion_cover *cover)
{
	__u64 found = 0;

	if (gabion_maybe_allowed(version, tables, hash))
		found = gabion_allow_look(GABION_GIVE_TABLES(tables) source, version, hash);
	if (!found)
		found = gabion_allow_prefix(cover, source->word, version, tables, 0);
	return gabion_found_value(found);
}

/* Leaves in *allowed what the stages to come may skip. */
GABION_INLINE __u32 gabion_stage_allow(const struct gabion_address *source, __u32 version,
				       const struct gabion_tables *tables, __u64 hash, struct gabion_cover *cover,
				       __u32 *allowed)
{
	*allowed = gabion_allowed(source, version, tables, hash, cover);
	return (*allowed & GABION_SKIP_ALL) == GABION_SKIP_ALL ? GABION_REASON_ALLOWED : GABION_REASON_NONE;
}

#endif
