/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SYN floods. Destinations (address and port) that get more SYNs than they should have theirs answered in place with a cookie, so
 * that a forged SYN leaves nothing behind; where that cannot be had, what passes is capped. Arrays of fixed size, chosen by keyed
 * hashes: two destinations that share a cell are engaged together.
 */
#ifndef GABION_ABI_SYN_H
#define GABION_ABI_SYN_H

#include "compat.h"
#include "limits.h"

/* How a SYN of an engaged destination is met. The daemon chooses. */
enum gabion_syn_way {
	GABION_SYN_CAP,	    /* no cookie: first SYNs of unknown sources are dropped, what comes again is capped */
	GABION_SYN_REQUEST, /* our own cookie; the program at tc ingress makes the request that the listener accepts */
	GABION_SYN_LISTENER, /* the listener's own cookie (bpf_tcp_gen_syncookie()), which its TCP takes back by itself; tells the MSS alone */
};

/* What the answer may offer, as far as the host does (net.ipv4.tcp_*). */
#define GABION_SYN_OFFER_SCALE	    0x1u
#define GABION_SYN_OFFER_SACK	    0x2u
#define GABION_SYN_OFFER_TIMESTAMPS 0x4u
#define GABION_SYN_OFFER_ECN	    0x8u

/* Intervals and bursts as in bpf/lib/bucket.h: ticks * 2^16. */
struct gabion_syn_control {
	__u64 key[2];	       /* of the cookies, random, made with the tables */
	__u32 engage_interval; /* of one SYN at the rate from which a destination is engaged; 0 = none ever is */
	__u32 engage_burst;
	__u32 hold_ticks;      /* engaged this long after the rate was exceeded last */
	__u32 answer_interval; /* of one answer to a source prefix */
	__u32 answer_burst;
	__u32 cap_interval; /* of one SYN that passes to the stack of an engaged destination */
	__u32 cap_burst;
	__u16 mss4; /* that the answers tell */
	__u16 mss6;
	__u16 way;		/* enum gabion_syn_way */
	__u16 offer;		/* GABION_SYN_OFFER_* */
	__u32 window_scale;	/* what the host's listeners use */
	__u32 timestamp_offset; /* random: timestamps do not tell how long the host has been up */
	__u32 slot_shift;	/* cookies are of the time slot tick >> slot_shift, and good in it and the next */
	/*
	 * LISTENER. A listener makes cookies when its queue is full or net.ipv4.tcp_syncookies is 2, which the daemon sees to while a
	 * destination is engaged. Up to the tick `attended` it will do so at once: until then SYNs that get no cookie are capped. Without a
	 * daemon they pass, since a queue that is full makes cookies by itself.
	 */
	__u32 attended;
	__u32 believed_ticks; /* a listener's cookie is believed this long at most */
	/* of one SYN at the rate from which those that get no cookie are capped, where some get one; 0 = at once */
	__u32 heavy_interval;
	__u32 heavy_burst;
	__u32 spare[12];
	/* Written by the programs: tick of the last answer, never 0; 0 = none yet. */
	__u32 answered;		 /* with our own cookie */
	__u32 listener_answered; /* with a listener's */
	__u64 reserved[7];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_syn_control) == 3 * GABION_CACHE_LINE, "what is written has a line of its own");
_Static_assert(offsetof(struct gabion_syn_control, answered) == 2 * GABION_CACHE_LINE, "likewise");

struct gabion_syn_cell {
	__u64 schedule;	  /* GCRA of the SYNs that came */
	__u64 cap;	  /* and of those that passed to the stack while engaged */
	__u32 until;	  /* engaged up to this tick; 0 = not engaged */
	__u32 refused;	  /* no answers up to this tick: the listener took no request; 0 = none */
	__u32 address[4]; /* the destination that engaged the cell; IPv4 in the first word */
	__u16 port;
	__u16 version;	    /* 4 or 6 */
	__u32 capped_until; /* what gets no cookie is capped up to this tick; 0 = it passes */
	__u64 heavy;	    /* GCRA of what gets none */
	__u32 reserved[2];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_syn_cell) == GABION_CACHE_LINE, "one line a destination");

/* What a SYN is answered with (bpf/stage/syn.h). */
struct gabion_syn_answer {
	__u32 cookie;	 /* initial sequence number */
	__u32 timestamp; /* our own, and the peer's that it echoes */
	__u32 echo;
	__u16 mss;  /* that we tell; 0 = none was offered, and so none is told */
	__u8 scale; /* the peer's window scale; GABION_TCP_NO_SCALE = none is agreed on */
	__u8 our_scale;
	__u8 sack; /* 1 or 0, each of these */
	__u8 timestamps;
	__u8 ecn;
	__u8 data; /* of the cookie */
};

#endif
