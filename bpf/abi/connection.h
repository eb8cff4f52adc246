/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections and proofs: what user space tells, kept in the control page, and what the host's TCP may say of a packet's ends. */
#ifndef GABION_ABI_CONNECTION_H
#define GABION_ABI_CONNECTION_H

#include "compat.h"
#include "limits.h"

struct gabion_connection_control {
	__u32 proven_ticks; /* a source counts as proven this long after its last proof; 0 = none does */
	__u32 forwards;	    /* the host forwards: connections exist of which it holds no socket */
	__u32 reserved[14];
} GABION_ALIGNED(GABION_CACHE_LINE);

enum gabion_socket_state {
	GABION_SOCKET_NONE,
	GABION_SOCKET_LISTENS, /* no connection, but somebody takes new ones */
	GABION_SOCKET_COOKIE,  /* likewise, and the packet brings back a cookie that he believes */
	GABION_SOCKET_REQUEST, /* a SYN received, its handshake not complete */
	GABION_SOCKET_ASKS,    /* a SYN sent, likewise */
	GABION_SOCKET_ENDED,   /* TIME_WAIT */
	GABION_SOCKET_HELD,    /* a connection whose handshake was completed */
};

/* For tests: the answer to be given for a flow (bpf/lib/socket.h). */
struct gabion_socket_note {
	__u32 bucket; /* the flow's hash (struct gabion_flow_key) */
	__u32 tag;
	__u32 state; /* enum gabion_socket_state; NONE = the place is free */
	__u32 reserved;
};

#define GABION_SOCKET_NOTES 8

struct gabion_socket_notes {
	struct gabion_socket_note note[GABION_SOCKET_NOTES];
	__u32 listens; /* the port at which somebody takes connections, at any address; 0 = none */
	__u32 cookie;  /* that he makes; 0 = none */
};

_Static_assert(sizeof(struct gabion_connection_control) == GABION_CACHE_LINE, "one line");

#endif
