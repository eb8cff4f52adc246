/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is kept of single sources: their rates and a score, one line a source, eight sources a set. A line for each set says whose places
 * they are and how many packets each had, so that a source that is not there touches one line. The first half of the sets is for
 * packets that nothing vouches for, the second for those of connections: what anybody can forge neither fills nor churns what is
 * kept of those.
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
	GABION_RATE_CONNECTIONS, /* handshakes completed: counts as an offence, drops nothing */
	GABION_RATE_COUNT
};

#define GABION_SOURCES_PER_SET 8

/* Levels are in ticks * 2^20, so that all of them sink by the same in a tick; they hold 4,095 ticks. */
#define GABION_LEVEL_SHIFT     20
#define GABION_LEVEL_TICKS_MAX 4095u

#define GABION_SOURCE_PORTS_MAX 64
/* Sets of limits: that of all ports, then those of single ports; bits 8 to 15 of a port's rule (caps.h) are the number of its own. */
#define GABION_SOURCE_LIMITS (1 + GABION_SOURCE_PORTS_MAX)

/* One set of limits, written by user space. */
struct gabion_source_limits {
	__u64 cost[GABION_RATE_COUNT]; /* ticks * 2^32 for one packet, or one byte; 0 = no limit */
	__u32 depth;		       /* of every bucket, as a level */
	__u32 reserved;
} GABION_ALIGNED(GABION_CACHE_LINE);

struct gabion_source_set {
	__u32 tag[GABION_SOURCES_PER_SET];   /* the half of the hash that does not choose the set; 0 = empty */
	__u16 count[GABION_SOURCES_PER_SET]; /* packets, also of those whose place it took; halved in a while */
	__u32 aged_at;			     /* tick of the last halving */
	__u32 reserved[3];
} GABION_ALIGNED(GABION_CACHE_LINE);

struct gabion_source {
	__u32 check; /* the other half of the hash */
	__u32 at;    /* tick to which the levels are right */
	__u32 level[GABION_RATE_COUNT];
	__u32 score; /* times 2^16 */
	__u32 window_at; /* tick at which the running window began; of what is not proven: at which a SYN passed above the rates */
	__u32 seen; /* packets in it, those that were dropped too; this and the rest only of what is proven */
	__u32 dropped;
	__u32 last_seen; /* of the window before */
	__u32 last_dropped;
	__u16 last_ticks; /* its length */
	__u16 above;	  /* a bit for each rate that it was above in the running window */
} GABION_ALIGNED(GABION_CACHE_LINE);

/* A source whose score reached the threshold, with packets that nobody else could have sent. A ring, written by the kernel. */
#define GABION_OFFENCES 1024

struct gabion_offence {
	__u32 address[4];
	__u32 number; /* of all offences, from 1 on; written last; 0 while the rest is */
	__u32 score;  /* times 2^16 */
	__u32 seen;   /* in the last whole window */
	__u32 dropped;
	__u32 ticks; /* its length */
	__u16 rates; /* a bit for each that it was above in it */
	__u8 ip_version;
	__u8 limits; /* which set of limits */
	__u32 reserved[6];
} GABION_ALIGNED(GABION_CACHE_LINE);

enum gabion_source_when { GABION_SOURCES_NEVER, GABION_SOURCES_IN_FLOODS, GABION_SOURCES_ALWAYS };

/* In the control page. The kernel writes `told`. */
struct gabion_source_control {
	__u32 when;			 /* enum gabion_source_when */
	__u32 ports;			 /* 0: no port has limits of its own */
	__u32 decay;			 /* of a score in a tick, times 2^16 */
	__u32 threshold;		 /* score, times 2^16, that is told; 0 = none */
	__u32 window;			 /* ticks after which a source is judged */
	__u32 age;			 /* ticks in which a set's counts halve */
	__u32 points[GABION_RATE_COUNT]; /* for being above a rate, times 2^16 */
	__u32 told;			 /* offences so far */
	__u32 reserved[2];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_source_limits) == GABION_CACHE_LINE, "one line a set of limits");
_Static_assert(sizeof(struct gabion_source_set) == GABION_CACHE_LINE, "one line a set");
_Static_assert(sizeof(struct gabion_source) == GABION_CACHE_LINE, "one line a source");
_Static_assert(sizeof(struct gabion_offence) == GABION_CACHE_LINE, "one line an offence");
_Static_assert(sizeof(struct gabion_source_control) == GABION_CACHE_LINE, "one line");

#endif
