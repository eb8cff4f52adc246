/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How answers of services that are abused as amplifiers look: a set of UDP source ports as bits, for every port the first of its rules,
 * and the rules. User space writes new rules into the half that is not in use, then the index, a word at a time, then the set.
 */
#ifndef GABION_ABI_AMPLIFIER_H
#define GABION_ABI_AMPLIFIER_H

#include "compat.h"
#include "limits.h"

#define GABION_PORT_WORDS      1024 /* a bit for each port */
#define GABION_AMP_INDEX_WORDS 8192 /* a byte for each port: the slot of its first rule, 0 = none */
#define GABION_AMP_RULES_HALF  128  /* slot 0 of the lower half stays empty */
#define GABION_AMP_RULES       256
#define GABION_AMP_PORT_MAX    8 /* rules of one port, in slots one after the other */
#define GABION_AMP_WORDS       4
#define GABION_AMP_OFFSET_MAX  508 /* of a word in the payload */

struct gabion_amp_word {
	__u32 mask; /* as in the packet */
	__u32 value;
};

struct gabion_amp_rule {
	__u16 shortest; /* UDP payload, bytes */
	__u16 longest;
	__u16 spare_port; /* destination port that is not judged; 0 = none */
	__u8 more;	  /* the next slot has another rule of this port */
	__u8 words;
	__u16 offset[GABION_AMP_WORDS];
	struct gabion_amp_word word[GABION_AMP_WORDS]; /* all must match */
	__u16 nonzero;				       /* 1 + offset of four bytes that must not all be 0; 0 = none */
	__u8 reserved[14];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_amp_rule) == GABION_CACHE_LINE, "one line a rule");

/* First fragments that were dropped, so that the others go with them. */
#define GABION_AMP_FRAGMENTS_PER_BUCKET 8
#define GABION_AMP_FRAGMENT_BUCKETS	1024

struct gabion_amp_fragments {
	__u32 tag[GABION_AMP_FRAGMENTS_PER_BUCKET]; /* 0 = empty */
	__u32 stamp[GABION_AMP_FRAGMENTS_PER_BUCKET];
} GABION_ALIGNED(GABION_CACHE_LINE);

#endif
