/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SYNs of an engaged destination that get no answer (stage/syn.h): first ones of sources that are neither known nor proven are dropped, and
 * what comes again is capped.
 */
#ifndef GABION_STAGE_SYN_CAP_H
#define GABION_STAGE_SYN_CAP_H

#include "../abi/reason.h"
#include "../lib/arrival.h"
#include "../lib/bucket.h"
#include "../lib/flood.h"
#include "../lib/flow.h"
#include "../lib/known.h"
#include "../lib/proven.h"

/* A first SYN that was dropped comes again after a second (RFC 6298, section 2), then after two more; not within a quarter of one. */
#define GABION_SYN_AGAIN_MAX_S 6

/* Whether a SYN came before and was dropped: a word of a table holds a tag of the flow and when. What is forgotten is a first one again. */
GABION_INLINE int gabion_syn_again(const struct gabion_packet *packet, const struct gabion_tables *tables, __u32 now)
{
	struct gabion_flow_key key = gabion_flow_in(packet, &tables->control->hash);
	__u32 hz = GABION_SETTINGS(tables).hz, age;
	__u64 *seen = gabion_at(GABION_TABLE(tables, syn_first), key.bucket & GABION_SETTINGS(tables).syn_first_mask);
	__u64 word;

	if (!seen)
		return 1;
	word = gabion_read64(seen);
	age = now - GABION_CAST(__u32, word);
	if (GABION_CAST(__u32, word >> 32) == key.tag && age <= GABION_SYN_AGAIN_MAX_S * hz)
		return age >= hz / 4;
	*seen = GABION_CAST(__u64, key.tag) << 32 | now;
	return 0;
}

/*
 * Dropping SYNs hurts, where answering them does not: who stands behind a host that forwards, so that nobody can be asked for an answer, may
 * be busy and no more. So that waits for a rate of its own.
 */
GABION_INLINE int gabion_syn_capped(const struct gabion_syn_control *syn, struct gabion_syn_cell *cell, __u32 now)
{
	__u32 until = now + syn->hold_ticks;

	if (!syn->heavy_interval)
		return 1;
	if (!gabion_gcra(&cell->heavy, syn->heavy_interval, syn->heavy_burst, now))
		cell->capped_until = until + !until; /* 0 is none */
	return gabion_flood_lasts(gabion_read32(&cell->capped_until), now);
}

/* A SYN of an engaged destination that was not answered. */
GABION_INLINE __u32 gabion_syn_pass(const struct gabion_packet *packet, const struct gabion_tables *tables,
				    const struct gabion_arrival *arrival, struct gabion_syn_cell *cell)
{
	const struct gabion_syn_control *syn = &tables->control->syn;

	if (gabion_known(tables, arrival->hash) || gabion_proven(tables, arrival->hash, arrival->now))
		return GABION_REASON_NONE;
	if (!gabion_syn_again(packet, tables, arrival->now))
		return GABION_REASON_SYN_FIRST;
	return gabion_gcra(&cell->cap, syn->cap_interval, syn->cap_burst, arrival->now) ? GABION_REASON_NONE
											: GABION_REASON_SYN_CAP;
}

#endif
