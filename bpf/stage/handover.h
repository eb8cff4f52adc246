/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hand-over of a chosen packet to the worker of its receive queue, up to the claim of its credit. What moves the packet itself is
 * the program's (bpf/gabion.bpf.c), which undoes the claim when the packet cannot go.
 */
#ifndef GABION_STAGE_HANDOVER_H
#define GABION_STAGE_HANDOVER_H

#include "../lib/credit.h"
#include "../lib/kind.h"
#include "../lib/tables.h"

/* `chosen`: the reason for which the packet was chosen; it is returned when the packet may go, else why it may not. */
GABION_INLINE __u32 gabion_stage_handover(const struct gabion_packet *packet, const struct gabion_tables *tables,
					  __u32 chosen, __u32 queue_index, __u32 now)
{
	struct gabion_queue *queue;
	__u32 reason;

	if (gabion_never_handed_over(packet))
		return GABION_REASON_HANDOVER_EXCLUDED;
	if (!(GABION_SETTINGS(tables).features & GABION_FEATURE_HANDOVER) ||
	    queue_index >= GABION_SETTINGS(tables).queues)
		return GABION_REASON_HANDOVER_NO_WORKER;
	queue = gabion_at(GABION_TABLE(tables, queues), queue_index);
	if (!queue || !gabion_read32(&queue->limit))
		return GABION_REASON_HANDOVER_NO_WORKER;
	if (packet->frame_length > gabion_read32(&queue->frame_bytes_max))
		return GABION_REASON_HANDOVER_TOO_LONG;
	reason = gabion_claim(queue, now, GABION_SETTINGS(tables).late_ticks);
	return reason ? reason : chosen;
}

#endif
