/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The keyed hash of the address tables and the Bloom filters, one for the kernel, the workers and the writer in user space.
 * Keys are raw words as they stand in a packet. One hash serves the table and the filter.
 *
 * 4 bytes: multiply-add-shift (Dietzfelbinger, "Universal hashing and k-wise independent random variables via integer
 * arithmetic without primes", 1996). 16 bytes: multilinear (Lemire & Kaser, "Strongly universal string hashing is fast", 2014,
 * section 2). Both are strongly universal in their upper half; the finish spreads that half over all bits.
 */
#ifndef GABION_LIB_HASH_H
#define GABION_LIB_HASH_H

#include "../abi/control.h"

static inline __u64 gabion_hash_finish(const struct gabion_hash_key *key, __u64 hash)
{
	hash ^= hash >> 32;
	return hash * key->finish;
}

static inline __u64 gabion_hash4(const struct gabion_hash_key *key, __u32 word)
{
	return gabion_hash_finish(key, key->add + key->multiply[0] * word);
}

static inline __u64 gabion_hash6(const struct gabion_hash_key *key, const __u32 *word)
{
	return gabion_hash_finish(key, key->add + key->multiply[0] * word[0] + key->multiply[1] * word[1] +
					       key->multiply[2] * word[2] + key->multiply[3] * word[3]);
}

/* The home bucket in a table, or the word in a Bloom filter, of which there are mask + 1. */
static inline __u32 gabion_hash_index(__u64 hash, __u32 mask)
{
	return GABION_CAST(__u32, hash >> 32) & mask;
}

/* A key's tag in its bucket (bpf/abi/table.h), never 0: from the half that does not choose the bucket. */
static inline __u32 gabion_tag(__u64 hash)
{
	return GABION_CAST(__u32, hash >> 24 & 0xff) | 0x80;
}

/* Where the first 32 bits of an IPv6 address stand in the prefix map (bpf/abi/prefix.h), and its first 48. */
static inline __u64 gabion_hash_wide6(const struct gabion_hash_key *key, const __u32 *word)
{
	return gabion_hash_finish(key, key->add + key->multiply[0] * word[0]);
}

static inline __u64 gabion_hash_narrow6(const struct gabion_hash_key *key, const __u32 *word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	__u32 sixteen = word[1] & 0xffff;
#else
	__u32 sixteen = word[1] >> 16;
#endif

	return gabion_hash_finish(key, key->add + key->multiply[0] * word[0] + key->multiply[1] * sixteen);
}

/*
 * The four bits of a key within its word of a Bloom filter (blocked, one word a key: Putze, Sanders & Singler, "Cache-, hash-
 * and space-efficient Bloom filters", 2007). They come from the half that does not choose the word.
 */
static inline __u64 gabion_bloom_bits(__u64 hash)
{
	return (1ull << (hash & 63)) | (1ull << (hash >> 6 & 63)) | (1ull << (hash >> 12 & 63)) |
	       (1ull << (hash >> 18 & 63));
}

#endif
