/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Credit: how many packets of a receive queue may be in its worker's hands. The program claims before it redirects; the worker
 * publishes what it has released, after the frames are back in the fill ring. One value a queue in a mmap-able array, for each
 * interface; the two sides write different lines.
 *
 * Neither `claimed` nor `released` ever starts anew. A new worker sets `limit` to 0, waits until nobody claims, sets `released` to
 * `claimed`, raises `epoch`, puts its socket into the map, and sets `limit` last. A program that meets another epoch than
 * `seen_epoch` takes `released` and the time as seen now; it leaves `claimed` alone.
 */
#ifndef GABION_ABI_QUEUE_H
#define GABION_ABI_QUEUE_H

#include "compat.h"
#include "limits.h"

struct gabion_queue {
	/* the program's line */
	__u64 claimed;	     /* grows by one for each packet handed over */
	__u64 seen_released; /* `released` when it was last seen to move */
	__u32 seen_at;	     /* tick of that */
	__u32 seen_epoch;    /* epoch for which the three above are valid */
	__u64 program_reserved[5];
	/* the worker's line */
	__u64 released;
	__u32 epoch;	       /* raised by a new worker, before its socket enters the map; 0 = never had one */
	__u32 limit;	       /* 0 = no worker: nothing is claimed */
	__u32 frame_bytes_max; /* longest frame that fits a chunk behind its headroom */
	__u32 worker_reserved0;
	__u64 worker_reserved[5];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_queue) == 2 * GABION_CACHE_LINE, "two lines, two writers");
_Static_assert(offsetof(struct gabion_queue, released) == GABION_CACHE_LINE, "the worker's line");

/*
 * A worker's counters, one value a queue in a pinned mmap-able array: the worker is the only writer, so a killed daemon leaves
 * them right. handed_over (program) = handed_back (private pair) + dropped + in flight + lost.
 */
struct gabion_worker_counters {
	__u64 received;	 /* frames taken from the receive ring */
	__u64 sent;	 /* frames put on the transmit ring towards the private pair */
	__u64 completed; /* of these, frames the kernel has given back */
	__u64 dropped; /* frames for whose drop the program had a reason, and that were only to be looked at (INSPECTED) */
	__u64 tx_failed; /* transmits that the kernel reported as failed */
	__u64 late;	 /* frames handed back unseen, because they waited longer than GABION_STALE_MS */
	__u64 lost;	 /* frames that stood in the rings of a worker that was killed; counted by its successor */
	__u64 checksums_completed;	  /* frames that carried a bare pseudo-header sum */
	__u64 drops[GABION_REASON_SLOTS]; /* of `dropped`, by the program's reason */
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_worker_counters) % GABION_CACHE_LINE == 0, "no line has two workers");

#endif
