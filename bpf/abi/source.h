/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is kept of single sources: six rates and a score, one line a source, eight sources a set. A line for each set says whose places
 * they are and how many packets each had, so that a source that is not there touches one line. There are two such tables: what
 * nothing vouches for can neither fill nor churn the state of flows that something does.
 */
#ifndef GABION_ABI_SOURCE_H
#define GABION_ABI_SOURCE_H

#include "compat.h"
#include "limits.h"

enum gabion_rate {
	GABION_RATE_PACKETS,
	GABION_RATE_BYTES,
	GABION_RATE_TCP,
	GABION_RATE_UDP,
	GABION_RATE_ICMP,
	GABION_RATE_SYN,
	GABION_RATE_COUNT
};

#define GABION_SOURCES_PER_SET 8

/* Levels are in ticks * 2^20, so that all of them sink by the same in a tick; they hold 4,095 ticks. */
#define GABION_LEVEL_SHIFT     20
#define GABION_LEVEL_TICKS_MAX 4095u

/* One set of limits, written by user space. */
struct gabion_source_limits {
	__u64 cost[GABION_RATE_COUNT]; /* ticks * 2^32 for one packet, or one byte; 0 = no limit */
	__u32 depth;		       /* of every bucket, as a level */
	__u32 reserved[3];
} GABION_ALIGNED(GABION_CACHE_LINE);

struct gabion_source_set {
	__u32 tag[GABION_SOURCES_PER_SET]; /* the half of the hash that does not choose the set; 0 = empty */
	__u16 count
		[GABION_SOURCES_PER_SET]; /* packets, of the source and of those whose place it took; halved in a while */
	__u32 aged_at;			  /* tick of the last halving */
	__u32 reserved[3];
} GABION_ALIGNED(GABION_CACHE_LINE);

struct gabion_source {
	__u64 hash;
	__u32 at; /* tick to which the levels are right */
	__u32 level[GABION_RATE_COUNT];
	__u32 score;	  /* times 2^16 */
	__u32 scored_at;  /* tick at which the running window of offences began */
	__u32 held_until; /* tick; 0 = not held down. As an expiry in table.h */
	__u32 seen;	  /* packets in that window */
	__u16 offences;	  /* a bit for each rate that it was above in that window */
	__u16 reserved;
	__u32 reserved2;
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_source_set) == GABION_CACHE_LINE, "one line a set");
_Static_assert(sizeof(struct gabion_source) == GABION_CACHE_LINE, "one line a source");

#endif
