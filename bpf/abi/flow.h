/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows that the host itself vouches for, seen where packets leave (tc egress) and asked only about sources in quarantine and
 * destinations under a cap. Fixed memory: a bucket of four, the oldest entry gives way.
 */
#ifndef GABION_ABI_FLOW_H
#define GABION_ABI_FLOW_H

#include "compat.h"
#include "limits.h"

#define GABION_FLOWS_PER_BUCKET 4

enum gabion_flow_kind {
	GABION_FLOW_NONE,
	GABION_FLOW_ANSWERED,	 /* the host answered a SYN: a few packets may follow (`grants`) */
	GABION_FLOW_OWN,	 /* the host asked first: a SYN of its own, a UDP or echo request */
	GABION_FLOW_ESTABLISHED, /* the host's TCP holds the connection as established: the peer completed the handshake */
};

struct gabion_flow {
	__u32 tag;    /* the part of the flow's hash that does not choose the bucket; 0 = empty */
	__u32 stamp;  /* tick of the last packet out */
	__u32 grants; /* packets in that may still pass; each packet out adds some */
	__u32 kind;
};

struct gabion_flow_bucket {
	struct gabion_flow flow[GABION_FLOWS_PER_BUCKET];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_flow_bucket) == GABION_CACHE_LINE, "one line a look-up");

#endif
