/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two ports of an inline pair. What a program forwards it has counted as forwarded before the other port takes it; what that one
 * then cannot take the kernel tells by its tracepoints, and it is counted here: beside the accounting identity, not in it.
 */
#ifndef GABION_ABI_PORT_H
#define GABION_ABI_PORT_H

#include "compat.h"
#include "limits.h"

enum gabion_side {
	GABION_SIDE_OUTSIDE, /* what arrives here is judged */
	GABION_SIDE_INSIDE,  /* what arrives here is observed */
	GABION_SIDES,
};

/* One a side in an mmap-able array. Any CPU may add. */
struct gabion_port {
	__u32 ifindex; /* 0: not there yet; written by user space */
	__u32 reserved;
	/* forwarded towards this port and dropped, since ... */
	__u64 full;	/* the driver did not take it: no room in its ring, or no carrier */
	__u64 down;	/* the port was down */
	__u64 too_long; /* the frame was longer than the port's MTU */
	__u64 refused;	/* anything else: a driver, say, that takes no redirected frames */
	__u64 reserved1[3];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_port) == GABION_CACHE_LINE, "one line a port");

#endif
