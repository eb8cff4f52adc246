/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What each CPU keeps for itself, one value a CPU in a mmap-able array, for each interface. The CPU is the only writer; user
 * space reads. Counters only grow, and they survive a restart of the daemon and a swap of the program.
 */
#ifndef GABION_ABI_CPU_H
#define GABION_ABI_CPU_H

#include "caps.h"
#include "compat.h"
#include "limits.h"
#include "reason.h"
#include "syn.h"

struct gabion_count {
	__u64 packets;
	__u64 bytes; /* of the frame as the program saw it */
};

struct gabion_breaker {
	__u64 tokens;	   /* times 2^16 */
	__u32 refilled_at; /* tick */
	__u32 tripped;	   /* 1 while the bucket is empty */
	__u32 tripped_at;  /* tick at which a packet last met the tripped breaker */
	__u32 trips;	   /* how often it tripped after a second in which no packet had met it tripped */
	__u64 met; /* packets of sources that are not protected, while tripped; of these `breaker` counts the drops */
};

struct gabion_sampler {
	__u32 period_at; /* tick at which the running period began */
	__u32 seen;	 /* candidates in it */
	__u32 one_in;	 /* the ratio in force, at least 1 */
	__u32 random;	 /* state of the CPU's generator (bpf/lib/random.h), never 0 */
};

struct gabion_hits {
	__u32 tick;	  /* in which bans were hit last */
	__u32 skip;	  /* drops until the next that is counted */
	__u32 exact_left; /* drops that are still counted one by one in the tick */
	__u32 kept;	  /* what `skip` is to be after these */
};

/* The first line is all that a drop touches but the counter of its reason. */
struct gabion_cpu {
	struct gabion_count received;
	struct gabion_breaker breaker;
	struct gabion_hits hits;
	struct gabion_sampler sampler;
	struct gabion_count handed_back; /* counted where they arrive, by the program behind the private pair */
	struct gabion_count foreign; /* what came out of the private pair without being ours, and was dropped there */
	__u16 lot[8]; /* packets left of the lot that was taken, for each class of packets (bpf/abi/caps.h) */
	__u32 cap_lot[GABION_DESTINATIONS_MAX]; /* tokens that this CPU holds of each destination's cap */
	struct gabion_count reason[GABION_REASON_SLOTS];
	struct gabion_count would_drop[GABION_REASON_SLOTS]; /* in a dry run */
	struct gabion_lots lots;
	struct gabion_syn_answer answer;     /* to the packet in hand; here, since the stack is short */
	__u8 scratch[2 * GABION_CACHE_LINE]; /* for options of the packet in hand */
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(offsetof(struct gabion_cpu, sampler) == GABION_CACHE_LINE, "what every packet touches is one line");
_Static_assert(offsetof(struct gabion_cpu, cap_lot) == 2 * GABION_CACHE_LINE,
	       "what every clean packet touches is one more");
_Static_assert(GABION_FLOOD_CLASSES <= 8, "a lot for each class");

#endif
