/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bans: the operator's, then the detectors'; addresses, then prefixes. Drops are counted beside the table, not in the line that
 * the next look-up reads, and in a flood by samples (bpf/lib/hit.h).
 */
#ifndef GABION_STAGE_BANS_H
#define GABION_STAGE_BANS_H

#include "../abi/reason.h"
#include "../lib/hit.h"
#include "../lib/sets.h"

/*
 * Not atomic: a locked addition costs a sixth of the whole drop path, and waits for the line when it is not in the cache. Two CPUs that
 * drop the same source at the same moment may count it once; the reasons' counters, which the accounting rests on, are each CPU's own.
 */
GABION_INLINE void gabion_hit(gabion_words hits, __u64 found, __u32 weight)
{
	__u64 *hit = gabion_at(hits, gabion_found_index(found));

	if (hit)
		*hit += weight;
}

/* Counts a hit in the array of the source's family; `part` is e or p. */
#define GABION_BAN_HIT(set, part)                                                                                      \
	do {                                                                                                           \
		__u32 weight =                                                                                         \
			GABION_SETTINGS(tables).features & GABION_FEATURE_HITS ? gabion_hit_weight(cpu, now) : 0;      \
                                                                                                                       \
		if (GABION_LIKELY(!weight))                                                                            \
			break;                                                                                         \
		if (version == 4)                                                                                      \
			gabion_hit(GABION_TABLE(tables, set##_##part##4_hits), found, weight);                         \
		else                                                                                                   \
			gabion_hit(GABION_TABLE(tables, set##_##part##6_hits), found, weight);                         \
	} while (0)

GABION_INLINE __u32 gabion_stage_bans(const struct gabion_address *source, __u32 version,
				      const struct gabion_tables *tables, struct gabion_cpu *cpu, __u64 hash,
				      struct gabion_cover *cover, __u32 now)
{
	__u64 found;

	found = gabion_op_exact(source->word, version, tables, hash, now);
	if (found) {
		GABION_BAN_HIT(op, e);
		return GABION_REASON_BAN_OPERATOR;
	}
	found = gabion_op_prefix(cover, source->word, version, tables, now);
	if (found) {
		GABION_BAN_HIT(op, p);
		return GABION_REASON_BAN_OPERATOR_PREFIX;
	}
	found = gabion_det_exact(source->word, version, tables, hash, now);
	if (found) {
		GABION_BAN_HIT(det, e);
		return GABION_REASON_BAN_DETECTOR;
	}
	found = gabion_det_prefix(cover, source->word, version, tables, now);
	if (found) {
		GABION_BAN_HIT(det, p);
		return GABION_REASON_BAN_DETECTOR_PREFIX;
	}
	return GABION_REASON_NONE;
}

#endif
