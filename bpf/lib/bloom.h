/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bloom filters of addresses: one 64-bit word and four bits of it a key (bpf/lib/hash.h). Two generations stand behind one another
 * in the array, so that user space builds one while the other is read. Never a false negative; false positives are the reader's
 * to mind.
 */
#ifndef GABION_LIB_BLOOM_H
#define GABION_LIB_BLOOM_H

#include "hash.h"
#include "tables.h"

GABION_INLINE int gabion_bloom_has(gabion_words words, __u32 mask, __u32 generation, __u64 hash)
{
	__u32 index = gabion_hash_index(hash, mask) + (generation & 1) * (mask + 1);
	const __u64 *word = gabion_at(words, index);
	__u64 bits;

	/* one of the four first: it says no to nearly all that is not there */
	if (!word || GABION_LIKELY(!(*word >> (hash & 63) & 1)))
		return 0;
	bits = gabion_bloom_bits(hash);
	return (*word & bits) == bits;
}

#endif
