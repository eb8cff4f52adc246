/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SipHash-2-4 (Aumasson & Bernstein, "SipHash: a fast short-input PRF", 2012) over 64-bit words: what an attacker sees the results of
 * must not tell the key, which the hash of the tables (bpf/lib/hash.h) would.
 */
#ifndef GABION_LIB_SIPHASH_H
#define GABION_LIB_SIPHASH_H

#include "home.h"

struct gabion_siphash {
	__u64 v0, v1, v2, v3;
};

GABION_INLINE __u64 gabion_rotate(__u64 value, __u32 bits)
{
	return value << bits | value >> (64 - bits);
}

/* Section 2, "SipRound". */
GABION_INLINE void gabion_sip_round(struct gabion_siphash *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = gabion_rotate(s->v1, 13) ^ s->v0;
	s->v3 = gabion_rotate(s->v3, 16) ^ s->v2;
	s->v0 = gabion_rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = gabion_rotate(s->v1, 17) ^ s->v2;
	s->v3 = gabion_rotate(s->v3, 21) ^ s->v0;
	s->v2 = gabion_rotate(s->v2, 32);
}

GABION_INLINE struct gabion_siphash gabion_sip_begin(const __u64 *key)
{
	struct gabion_siphash s = {key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull,
				   key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull};

	return s;
}

GABION_INLINE void gabion_sip_word(struct gabion_siphash *s, __u64 word)
{
	s->v3 ^= word;
	gabion_sip_round(s);
	gabion_sip_round(s);
	s->v0 ^= word;
}

/* `last`: the bytes behind the last whole word, and in the highest byte the length of all, modulo 256. */
GABION_INLINE __u64 gabion_sip_finish(struct gabion_siphash *s, __u64 last)
{
	gabion_sip_word(s, last);
	s->v2 ^= 0xff;
	gabion_sip_round(s);
	gabion_sip_round(s);
	gabion_sip_round(s);
	gabion_sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

#endif
