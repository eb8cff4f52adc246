/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a flood is on, and of what: what must not hurt anybody in calm times is asked only then. Raised by the program itself, as
 * soon as an aggregate rate leaves its normal range, and by user space while a detector sees an attack. Kept in the control page.
 */
#ifndef GABION_ABI_FLOOD_H
#define GABION_ABI_FLOOD_H

#include "compat.h"
#include "limits.h"

enum gabion_flood_class {
	GABION_FLOOD_TCP, /* all but SYNs */
	GABION_FLOOD_SYN,
	GABION_FLOOD_UDP,
	GABION_FLOOD_ICMP,
	GABION_FLOOD_OTHER,
	GABION_FLOOD_CLASSES
};

/* Expiries as in table.h: ticks; 0 = none. Whoever raises a class raises `any` to the same or later. User space takes out what ended. */
struct gabion_flood {
	__u32 any;
	__u32 until[GABION_FLOOD_CLASSES];
	__u32 reserved[10];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_flood) == GABION_CACHE_LINE, "one line, read by every packet");

#endif
