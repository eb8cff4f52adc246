/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rates of the host as a whole, each a cell that all CPUs share: for each class of packets (bpf/abi/flood.h) the rate above which a
 * flood is raised and the cap, a cap for each port that was given one, how much of what keeps the network running goes past
 * them, and how many new sources are let in. A CPU takes GABION_CAP_LOT packets' worth of a cell at a time and counts them down by
 * itself, so that nothing is lost between CPUs and a packet seldom touches what is shared. User space writes the limits, the kernel
 * the rest.
 */
#ifndef GABION_ABI_CAPS_H
#define GABION_ABI_CAPS_H

#include "compat.h"
#include "flood.h"
#include "limits.h"

#define GABION_CAP_PORTS_MAX 64 /* ports that may have a cap */

/* Where the cells stand. */
#define GABION_CELL_TRIGGER 0 /* + class */
#define GABION_CELL_CAP	    GABION_FLOOD_CLASSES
#define GABION_CELL_PORT    (2 * GABION_FLOOD_CLASSES) /* + number of the port's cap */
/* What goes past caps, for it keeps the network running. */
#define GABION_CELL_CONTROL (GABION_CELL_PORT + GABION_CAP_PORTS_MAX)
/* Sources that are let in a second while a flood is on (stage/source.h). */
#define GABION_CELL_NEW_SOURCES (GABION_CELL_CONTROL + 1)
#define GABION_CELLS		(GABION_CELL_NEW_SOURCES + 1)

_Static_assert(GABION_CELLS <= 128, "each has a place among a CPU's lots");

struct gabion_cell {
	__u64 schedule;	  /* GCRA, as in quarantine.h, in lots */
	__u64 hits;	  /* lots that it had no room for (a trigger), or packets dropped (a cap) */
	__u32 interval;	  /* ticks * 2^16 for a lot; 0 = no limit */
	__u32 burst;	  /* in the same unit */
	__u32 flood_only; /* a cap that holds only while a flood of its class is on */
	__u32 reserved[7];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_cell) == GABION_CACHE_LINE, "CPUs that share one cell do not share its neighbours");

/*
 * What is said of each port, TCP's before UDP's, 16 bits each: the lower eight are 1 + the number of its cap, the upper
 * eight the number of its limits for single sources (source.h); 0 = none. An array with a place for every port: however many of them
 * are sprayed, nothing fills up.
 */
#define GABION_PORT_RULES     (2 * 65536)
#define GABION_RULES_PER_WORD 4

/* In the control page. */
struct gabion_caps_control {
	__u32 whole_way;   /* a bit for each class whose packets are always asked, flood or not */
	__u32 ports;	   /* 0: no port has a rule */
	__u32 flood_ticks; /* how long a flood that the kernel saw is on after it was last seen */
	__u32 sources;	   /* not 0: rates of single sources (source.h) hold in calm times too */
	__u32 reserved[12];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_caps_control) == GABION_CACHE_LINE, "one line, read by every packet");

/* What a CPU has left of the lots that it took, and how many packets it has counted. */
struct gabion_lots {
	__u16 cell[128];		     /* of each cell but the triggers, whose lots stand in struct gabion_cpu */
	__u64 counted[GABION_FLOOD_CLASSES]; /* whole lots of each class that it took */
	/* while single sources are looked at (source.h): */
	__u64 new_sources; /* packets of sources that had no place, and nothing vouched for them */
	__u64 connections; /* handshakes that were completed */
	__u64 reserved;
};

#endif
