/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pipeline, in the order in which a packet meets its stages. Takes the frame, the tables, the time (jiffies, low 32 bits) and
 * the CPU's own state; returns the reason under which the packet leaves. The same source in the kernel and on the host.
 */
#ifndef GABION_PIPELINE_H
#define GABION_PIPELINE_H

#include "lib/count.h"
#include "lib/parse.h"
#include "stage/bans.h"

GABION_INLINE int gabion_has(const struct gabion_tables *tables, __u32 feature)
{
	return (GABION_SETTINGS(tables).features & feature) != 0;
}

/* `out` tells what a handed-over packet's metadata must say; valid when the reason is one that hands over. */
GABION_INLINE __u32 gabion_judge(const struct gabion_packet *packet, const struct gabion_tables *tables,
				 struct gabion_cpu *cpu, __u32 now)
{
	(void)cpu;
	__u64 hash = gabion_source_hash(packet, &tables->control->hash);
	__u32 reason;

	if (gabion_has(tables, GABION_FEATURE_BANS)) {
		reason = gabion_bans(packet, tables, hash, now);
		if (reason)
			return reason;
	}
	return GABION_REASON_CLEAN;
}

/* A whole packet: counted when it comes and when it leaves. */
GABION_INLINE __u32 gabion_pipeline(const __u8 *begin, const __u8 *end, __u32 length, const struct gabion_tables *tables,
				    struct gabion_cpu *cpu, __u32 now)
{
	struct gabion_packet packet;
	__u32 reason;

	gabion_count(&cpu->received, length);
	reason = gabion_parse(begin, end, length, &packet);
	if (!reason)
		reason = gabion_judge(&packet, tables, cpu, now);
	return reason;
}

#endif
