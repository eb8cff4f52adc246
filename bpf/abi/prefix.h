/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The prefix map: asked once a packet whether any set holds a prefix that its source may lie in, and if so, of which lengths. What
 * it denies is certain; what it affirms is looked up in the sets' tables of prefixes.
 *
 * IPv4: one bit for each /24, set when a prefix holds it or lies in it; beside it one entry for each /16 with the lengths of all
 * prefixes that hold it or lie in it.
 *
 * IPv6: one line for each value of a keyed hash of the first 32 bits (bpf/lib/hash.h). A prefix of 48 bits or more sets one bit of
 * `narrow`, by the hash of its first 48 bits; a shorter one sets a bit of `wide` for every /32 that it holds or lies in. What is
 * shorter than GABION_PREFIX_LISTED6 would hold too many: it sets `wide` in all lines. Beside each line, the lengths as for IPv4.
 *
 * User space sets the lengths, then the bits, then puts the entry in force. Removal leaves bits, which cost a look-up at most; they go when
 * the map is made anew, word by word and never without a bit that is needed (dataplane/ban/prefix_map.h).
 */
#ifndef GABION_ABI_PREFIX_H
#define GABION_ABI_PREFIX_H

#include "compat.h"
#include "table.h"

#define GABION_PREFIX_WORDS4  (1u << 18) /* of 64 bits: 2^24 in all */
#define GABION_PREFIX_BLOCKS4 (1u << 16)
#define GABION_PREFIX_WORDS6  4 /* in each half of a line */
#define GABION_PREFIX_LISTED6 20
#define GABION_PREFIX_NARROW6 48

/* IPv4: bit n stands for /n. IPv6: bit n for the four lengths from 4 n on. */
struct gabion_prefix_lengths {
	__u32 of_set[GABION_SET_COUNT];
	__u32 reserved[3];
};

struct gabion_prefix_line6 {
	__u64 wide[GABION_PREFIX_WORDS6];
	__u64 narrow[GABION_PREFIX_WORDS6];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_prefix_lengths) == GABION_CACHE_LINE / 2, "never across two lines");
_Static_assert(sizeof(struct gabion_prefix_line6) == GABION_CACHE_LINE, "one line a look-up");

#endif
