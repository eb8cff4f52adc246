/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet that no list has dropped, on its way through the stages that look at all of it: what is known of it so far, in one
 * structure, since functions out of line take few arguments.
 */
#ifndef GABION_LIB_ARRIVAL_H
#define GABION_LIB_ARRIVAL_H

#include "../abi/compat.h"

/* Which stages of the rest must look at a packet: what the front found out about a plain one; all of them for any other. */
#define GABION_SUSPECT_CHECKS 0x1u /* the validation */
#define GABION_SUSPECT_PORT   0x2u /* the amplification filter */
#define GABION_SUSPECT_ALL    0x3u

struct gabion_arrival {
	__u64 hash;	 /* of the source */
	__u16 l3_offset; /* of the IP header from the start of the frame */
	__u16 version;	 /* 4 or 6 */
	__u32 allowed;	 /* GABION_SKIP_*, of the allow list's entry */
	__u32 now;
	__u32 queue;   /* receive queue */
	__u32 posture; /* out: the sampling ratio that the destination asks for; 0 leaves the sampler to itself */
	__u32 drawn;   /* not 0: chosen as a sample already, for so many packets */
	__u32 timed;   /* in the profiling program alone (bpf/profile.h) */
	__u32 one_in;  /* out: when handed over, packets that this one stands for */
	__u32 instead; /* out: the reason that holds if what was chosen cannot be handed over; 0 = why it cannot */
	__u32 suspect; /* GABION_SUSPECT_* */
	__u32 counted; /* not 0: counted in its class already (bpf/lib/trigger.h) */
	__u32 vouched; /* enum gabion_belief: what bpf/lib/vouched.h found; asked at most once a packet */
};

#endif
