/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Credit: the program's half of what bpf/abi/queue.h describes. In generic mode several CPUs may run one queue; the claim is an
 * atomic addition, and what the others keep here may be overwritten by an equally good value.
 */
#ifndef GABION_LIB_CREDIT_H
#define GABION_LIB_CREDIT_H

#include "../abi/queue.h"
#include "../abi/reason.h"
#include "home.h"

/*
 * Late: `released` has stood still for more than `late_ticks` while something was outstanding. An idle worker has nothing
 * outstanding, however long it sleeps. Another CPU may have stored a tick that is newer than this one's `now`.
 */
GABION_INLINE int gabion_late(struct gabion_queue *queue, __u64 released, __u32 now, __u32 late_ticks)
{
	__u32 epoch = gabion_read32(&queue->epoch);

	if (queue->seen_epoch != epoch || queue->seen_released != released ||
	    gabion_read64(&queue->claimed) == released) {
		queue->seen_released = released;
		queue->seen_at = now;
		queue->seen_epoch = epoch;
		return 0;
	}
	return GABION_CAST(__s32, now - queue->seen_at) > GABION_CAST(__s32, late_ticks);
}

GABION_INLINE void gabion_unclaim(struct gabion_queue *queue)
{
	__sync_fetch_and_add(&queue->claimed, -1);
}

/* REASON_NONE: claimed, and to be undone if the packet cannot go after all. Else why not. */
GABION_INLINE __u32 gabion_claim(struct gabion_queue *queue, __u32 now, __u32 late_ticks)
{
	__u32 limit = gabion_read32(&queue->limit);
	__u64 released = gabion_read64(&queue->released);
	__s64 outstanding;

	if (!limit)
		return GABION_REASON_HANDOVER_NO_WORKER;
	if (gabion_late(queue, released, now, late_ticks))
		return GABION_REASON_HANDOVER_LATE;
	outstanding = GABION_CAST(__s64, __sync_fetch_and_add(&queue->claimed, 1) - released);
	if (outstanding >= limit) {
		gabion_unclaim(queue);
		return GABION_REASON_HANDOVER_NO_CREDIT;
	}
	return GABION_REASON_NONE;
}

#endif
