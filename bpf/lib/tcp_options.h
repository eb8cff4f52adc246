/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP options as tcp_parse_options() in the kernel reads them. The walk works on a copy of the options, so that it serves every kind of
 * program: each of its steps looks the same to the verifier.
 */
#ifndef GABION_LIB_TCP_OPTIONS_H
#define GABION_LIB_TCP_OPTIONS_H

#include "home.h"

#define GABION_TCP_OPTION_BYTES 40 /* a header is at most 60 bytes long */
#define GABION_TCP_COPY_BYTES	80 /* room for the copy: ten bytes from any place below 64 may be read */
#define GABION_TCP_OPTIONS_MAX	16 /* so many are looked at, padding included: nobody sends as many */
#define GABION_TCP_SCALE_MAX	14 /* RFC 7323, section 2.3 */
#define GABION_TCP_NO_SCALE	15

#define GABION_TCP_SAW_SACK	  0x1u
#define GABION_TCP_SAW_TIMESTAMPS 0x2u
#define GABION_TCP_SAW_SIGNATURE  0x4u /* MD5 or AO: nobody but the stack can answer */

struct gabion_tcp_options {
	__u32 value; /* timestamps */
	__u32 echo;
	__u32 mss;   /* 0 = none */
	__u32 scale; /* GABION_TCP_NO_SCALE = none */
	__u32 saw;
};

GABION_INLINE __u32 gabion_bytes32(const __u8 *at)
{
	return GABION_CAST(__u32, at[0]) << 24 | GABION_CAST(__u32, at[1]) << 16 | GABION_CAST(__u32, at[2]) << 8 |
	       at[3];
}

/* 1 or 0, kept as numbers: the verifier would walk on once for each way that a branch can go. */
GABION_INLINE __u64 gabion_same(__u64 one, __u64 other)
{
	__u64 same = ((one ^ other) - 1) >> 63;

	__asm__("" : "+r"(same));
	return same;
}

GABION_INLINE __u64 gabion_below(__u64 one, __u64 other)
{
	__u64 below = (one - other) >> 63;

	__asm__("" : "+r"(below));
	return below;
}

/* `value` where `which` is 1, else what stands there. */
GABION_INLINE void gabion_take_if(__u32 *to, __u64 which, __u32 value)
{
	*to = GABION_CAST(__u32, *to ^ ((*to ^ value) & (0 - which)));
}

/* One option, if it is whole (`which`): kinds and lengths of RFC 9293 (MSS), 7323, 2018, 2385 and 5925. */
GABION_INLINE void gabion_tcp_option(const __u8 *at, __u64 which, struct gabion_tcp_options *options)
{
	__u64 kind = at[0], length = at[1], scale = at[2], over = gabion_below(GABION_TCP_SCALE_MAX, scale);
	__u64 timestamps = which & gabion_same(kind, 8) & gabion_same(length, 10);

	scale += over * (GABION_TCP_SCALE_MAX - scale);
	gabion_take_if(&options->mss, which & gabion_same(kind, 2) & gabion_same(length, 4),
		       GABION_CAST(__u32, at[2]) << 8 | at[3]);
	gabion_take_if(&options->scale, which & gabion_same(kind, 3) & gabion_same(length, 3),
		       GABION_CAST(__u32, scale));
	gabion_take_if(&options->value, timestamps, gabion_bytes32(at + 2));
	gabion_take_if(&options->echo, timestamps, gabion_bytes32(at + 6));
	options->saw |= GABION_CAST(
		__u32, (which & gabion_same(kind, 4) & gabion_same(length, 2)) * GABION_TCP_SAW_SACK |
			       timestamps * GABION_TCP_SAW_TIMESTAMPS |
			       (which & (gabion_same(kind, 19) | gabion_same(kind, 29))) * GABION_TCP_SAW_SIGNATURE);
}

/* `copy`: GABION_TCP_COPY_BYTES, of which `length` are options. */
GABION_INLINE void gabion_tcp_options_read(const __u8 *copy, __u64 length, struct gabion_tcp_options *options)
{
	__u64 at = 0, kind, bytes, pad, whole;
	__u32 step;

	options->value = options->echo = options->mss = options->saw = 0;
	options->scale = GABION_TCP_NO_SCALE;
	for (step = 0; step < GABION_TCP_OPTIONS_MAX; step++) {
		at &= 0x3f;
		kind = copy[at];
		bytes = copy[at + 1];
		pad = gabion_below(at, length) & gabion_same(kind, 1);
		whole = (1 ^ gabion_same(kind, 0)) & (1 ^ gabion_same(kind, 1)) & gabion_below(1, bytes) &
			gabion_below(at + bytes, length + 1);
		gabion_tcp_option(copy + at, whole, options);
		if (!(pad | whole))
			return;
		at += pad + whole * bytes;
	}
}

#endif
