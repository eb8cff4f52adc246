/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows that the host itself vouches for, seen where packets leave (tc egress) and asked only about sources in quarantine,
 * destinations under a cap, and while a flood is on. Fixed memory: a bucket of four, the oldest entry gives way.
 */
#ifndef GABION_ABI_FLOW_H
#define GABION_ABI_FLOW_H

#include "compat.h"
#include "limits.h"

#define GABION_FLOWS_PER_BUCKET 4

enum gabion_flow_kind {
	GABION_FLOW_NONE,
	GABION_FLOW_SERVICE,  /* UDP from a service to one of its kind: so many packets may come in, as for OWN */
	GABION_FLOW_ANSWERED, /* a SYN was answered: whoever acknowledges that very answer is believed */
	GABION_FLOW_ASKED,    /* a SYN went out: whoever acknowledges that very SYN is believed */
	GABION_FLOW_OWN,      /* the host asked first by UDP or echo request: so many packets may come in */
	GABION_FLOW_COMPLETE, /* the handshake was seen to be completed, but not by a TCP of this host: vouches, proves nothing */
	GABION_FLOW_ESTABLISHED, /* the host's TCP holds the connection as established: the peer completed the handshake */
	/* likewise, but what completed it was a SYN cookie, or may have been: those can be guessed (ours once in 2^23): vouches, proves nothing */
	GABION_FLOW_COOKIE,
};

struct gabion_flow {
	__u32 tag;   /* the part of the flow's hash that does not choose the bucket; 0 = empty */
	__u32 stamp; /* tick of the last packet out */
	/*
	 * ANSWERED, ASKED: the acknowledgment that completes it; COMPLETE: that did. OWN, SERVICE: packets in that may still pass. ESTABLISHED: what the
	 * host acknowledged last.
	 */
	__u32 number;
	__u16 kind; /* enum gabion_flow_kind */
	__u16 answered; /* ANSWERED: what the answer acknowledged, lower half. ESTABLISHED: what the host sent last, upper half */
};

struct gabion_flow_bucket {
	struct gabion_flow flow[GABION_FLOWS_PER_BUCKET];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_flow_bucket) == GABION_CACHE_LINE, "one line a look-up");

#endif
