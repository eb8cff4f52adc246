/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is fixed when a program is loaded: written into its read-only data before, so that the verifier knows the values and
 * removes what is switched off. What must change later stands in struct gabion_control.
 */
#ifndef GABION_ABI_SETTINGS_H
#define GABION_ABI_SETTINGS_H

#include "compat.h"
#include "limits.h"
#include "table.h"

#define GABION_FEATURE_BREAKER	     0x01u
#define GABION_FEATURE_ALLOW	     0x02u
#define GABION_FEATURE_BANS	     0x04u
#define GABION_FEATURE_QUARANTINE    0x08u
#define GABION_FEATURE_DESTINATIONS  0x10u /* caps and raised postures */
#define GABION_FEATURE_SAMPLER	     0x20u
#define GABION_FEATURE_HANDOVER	     0x40u /* without it what was chosen passes as HANDOVER_NO_WORKER */
#define GABION_FEATURE_HITS	     0x80u /* count the drops of each ban beside its table */
#define GABION_FEATURE_MAC	     0x100u
#define GABION_FEATURE_VALIDATION    0x200u
#define GABION_FEATURE_AMPLIFICATION 0x400u
#define GABION_FEATURE_CONNECTIONS   0x800u
#define GABION_FEATURE_SYN	     0x1000u /* SYN cookies, and caps of destinations in their stead */
#define GABION_FEATURE_CAPS	     0x2000u /* floods triggered, rates of the whole host capped */
#define GABION_FEATURE_SOURCE_RATES  0x4000u
#define GABION_FEATURE_ASK_COOKIE    0x8000u /* the kernel has bpf_tcp_gen_syncookie() for XDP */
#define GABION_FEATURES_ALL	     0xffffu
/* Beside those, for a port of an inline pair. */
#define GABION_FEATURE_INLINE                                                                                          \
	0x10000u /* what goes on is forwarded to the other port, and this host is asked nothing about it */
#define GABION_FEATURE_LINK_CONTROL 0x20000u /* the control frames of a link are not forwarded */

/* What the validation looks for. Fixed at load, since then what is off costs nothing and what is on are constants in the code. */
#define GABION_CHECK_BOGONS	   0x01u
#define GABION_CHECK_PRIVATE	   0x02u
#define GABION_CHECK_RESERVED	   0x04u
#define GABION_CHECK_LAND	   0x08u
#define GABION_CHECK_TCP_FLAGS	   0x10u
#define GABION_CHECK_PORT_ZERO	   0x20u
#define GABION_CHECK_FRAGMENTS	   0x40u /* fragments that no sender makes */
#define GABION_CHECK_ALL_FRAGMENTS 0x80u
#define GABION_CHECKS_DEFAULT                                                                                          \
	(GABION_CHECK_BOGONS | GABION_CHECK_LAND | GABION_CHECK_TCP_FLAGS | GABION_CHECK_PORT_ZERO |                   \
	 GABION_CHECK_FRAGMENTS)

#define GABION_MACS_MAX 8

enum gabion_mac_mode { GABION_MAC_OFF, GABION_MAC_ALLOW, GABION_MAC_DENY };

/* The six bytes as they stand in a frame, read as a word and half a word. */
struct gabion_mac {
	__u32 first;
	__u32 last;
};

/* Whose frames an interface takes (ALLOW), or whose it does not (DENY). What is not used is 0. */
struct gabion_mac_filter {
	__u32 mode;
	__u32 count;
	struct gabion_mac mac[GABION_MACS_MAX];
};

/* Buckets of each table of a set, minus one; always a power of two minus one. */
struct gabion_set_masks {
	__u32 exact4;
	__u32 exact6;
	__u32 prefix4;
	__u32 prefix6;
};

/* gabion.bpf.c and gabion_test.bpf.c */
struct gabion_settings {
	struct gabion_set_masks mask[GABION_SET_COUNT];
	__u32 allow_bloom_mask; /* words of one generation, minus one */
	__u32 known_bloom_mask;
	__u32 flow_mask; /* buckets minus one */
	__u32 proven_mask;
	__u32 dest_mask;
	__u32 source_mask;  /* sets of one half, minus one */
	__u32 prefix_mask6; /* lines of the IPv6 prefix map, minus one */
	__u32 queues;	    /* entries of the map `queues` */
	__u32 late_ticks;   /* GABION_LATE_MS in ticks, rounded up, plus one for the tick that was running */
	__u32 hz;	    /* ticks a second */
	__u32 features;	    /* GABION_FEATURE_* */
	__u32 checks;	    /* GABION_CHECK_* */
	struct gabion_mac_filter mac_filter;
	__u32 syn_cell_mask;
	__u32 syn_source_mask;
	__u32 syn_first_mask;
};

/* egress.bpf.c and inside.bpf.c */
struct gabion_egress_settings {
	__u32 flow_mask;
	__u32 proven_mask;
	__u32 ephemeral_low; /* ports of queries, both ends included: in host mode net.ipv4.ip_local_port_range */
	__u32 ephemeral_high;
	__u32 features; /* GABION_FEATURE_LINK_CONTROL */
};

#endif
