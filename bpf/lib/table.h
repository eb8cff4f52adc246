/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Look-ups in the tables of bpf/abi/table.h. What is found is returned as one number: the value in its lower half, in the upper
 * half the index of the slot in the arrays that run beside the table. 0: not found.
 */
#ifndef GABION_LIB_TABLE_H
#define GABION_LIB_TABLE_H

#include "hash.h"
#include "home.h"
#include "packet.h"
#include "tables.h"

GABION_INLINE __u32 gabion_found_value(__u64 found)
{
	return GABION_CAST(__u32, found);
}

GABION_INLINE __u32 gabion_found_index(__u64 found)
{
	return GABION_CAST(__u32, found >> 32);
}

GABION_INLINE __u64 gabion_found(__u32 index, __u32 value)
{
	return GABION_CAST(__u64, index) << 32 | value;
}

/* Expiry as in bpf/abi/table.h. */
GABION_INLINE int gabion_in_force(__u32 expiry, __u32 now)
{
	return expiry == GABION_FOREVER || expiry - now - 1 < GABION_EXPIRY_AHEAD_MAX;
}

/*
 * 1 when a slot's key is the one looked for (`difference` is 0) and the slot is in use, else 0. In arithmetic, not in branches:
 * which slot of a bucket holds the key is random and would be mispredicted, and the verifier would have to walk every combination.
 */
GABION_INLINE __u32 gabion_slot_matches(__u32 difference, __u32 value)
{
	__u64 equal = difference, used = value;

	equal -= 1;
	used = 0 - used;
	__asm__("" : "+r"(equal), "+r"(used)); /* or the compiler turns it back into branches */
	return GABION_CAST(__u32, (equal & used) >> 63);
}

/* The slot that holds the key, or GABION_SLOTS4. */
GABION_INLINE __u32 gabion_slot4(const struct gabion_bucket4 *bucket, __u32 key)
{
	__u32 found = GABION_SLOTS4, slot;

	GABION_UNROLL
	for (slot = 0; slot < GABION_SLOTS4; slot++)
		found -= gabion_slot_matches(bucket->key[slot] ^ key, bucket->value[slot]) * (GABION_SLOTS4 - slot);
	return found;
}

/* An IPv6 address in two halves; both are read at once, since addresses and buckets are aligned. */
GABION_INLINE __u64 gabion_half(const __u32 *word, __u32 which)
{
	__u64 half;

	__builtin_memcpy(&half, __builtin_assume_aligned(word + 2 * which, sizeof(half)), sizeof(half));
	return half;
}

/* Not 0 when the addresses differ; the upper bits of both halves count. */
GABION_INLINE __u32 gabion_difference6(const __u32 *one, const __u32 *other)
{
	__u64 difference =
		(gabion_half(one, 0) ^ gabion_half(other, 0)) | (gabion_half(one, 1) ^ gabion_half(other, 1));

	return GABION_CAST(__u32, difference >> 32) | GABION_CAST(__u32, difference);
}

GABION_INLINE __u32 gabion_slot6(const struct gabion_bucket6 *bucket, const __u32 *key)
{
	__u32 found = GABION_SLOTS6, slot;

	GABION_UNROLL
	for (slot = 0; slot < GABION_SLOTS6; slot++)
		found -= gabion_slot_matches(gabion_difference6(bucket->key[slot], key), bucket->value[slot]) *
			 (GABION_SLOTS6 - slot);
	return found;
}

/* Out of line, so that what comes before keeps its registers. */
GABION_OUTLINE_HERE __u32 gabion_search4(const struct gabion_bucket4 *bucket, __u32 key)
{
	return gabion_slot4(bucket, key);
}

GABION_OUTLINE_HERE __u32 gabion_search6(const struct gabion_bucket6 *bucket, const __u32 *key)
{
	return gabion_slot6(bucket, key);
}

/* From the bucket `from` steps behind the home bucket on. */
GABION_INLINE __u64 gabion_walk4(gabion_table4 table, __u32 mask, __u32 key, __u32 home, __u32 from)
{
	__u32 probe;

	for (probe = from; probe <= GABION_PROBE_MAX; probe++) {
		__u32 at = (home + probe) & mask, slot;
		const struct gabion_bucket4 *bucket = gabion_at(table, at);

		if (!bucket)
			return 0;
		slot = gabion_slot4(bucket, key);
		if (slot < GABION_SLOTS4)
			return gabion_found(at * GABION_STRIDE4 + slot, bucket->value[slot]);
		if (!bucket->overflow)
			return 0;
	}
	return 0;
}

/* The few keys that may stand outside their home bucket. */
GABION_OUTLINE_HERE __u64 gabion_find_on4(gabion_table4 table, __u32 mask, __u32 key, __u32 home)
{
	return gabion_walk4(table, mask, key, home, 1);
}

/*
 * For the tables that every packet meets. A bucket fills from its first slot, and most hold few entries: that slot is tried
 * alone, by a branch that is mostly predicted; then the whole home bucket, if its filter does not deny, and out of line the others.
 */
GABION_INLINE __u64 gabion_find4(gabion_table4 table, __u32 mask, __u32 key, __u64 hash)
{
	__u32 home = gabion_hash_index(hash, mask), slot;
	const struct gabion_bucket4 *bucket = gabion_at(table, home);

	if (!bucket)
		return 0;
	if (bucket->key[0] == key && bucket->value[0])
		return gabion_found(home * GABION_STRIDE4, bucket->value[0]);
	if (bucket->filter & gabion_filter4(hash)) {
		slot = gabion_search4(bucket, key);
		if (slot < GABION_SLOTS4)
			return gabion_found(home * GABION_STRIDE4 + slot, bucket->value[slot]);
	}
	if (GABION_LIKELY(!bucket->overflow))
		return 0;
	return gabion_find_on4(table, mask, key, home);
}

/* From the bucket `from` steps behind the home bucket on. */
GABION_INLINE __u64 gabion_walk6(gabion_table6 table, __u32 mask, const __u32 *key, __u32 home, __u32 from)
{
	__u32 probe;

	for (probe = from; probe <= GABION_PROBE_MAX; probe++) {
		__u32 at = (home + probe) & mask, slot;
		const struct gabion_bucket6 *bucket = gabion_at(table, at);

		if (!bucket)
			return 0;
		slot = gabion_slot6(bucket, key);
		if (slot < GABION_SLOTS6)
			return gabion_found(at * GABION_STRIDE6 + slot, bucket->value[slot]);
		if (!bucket->overflow)
			return 0;
	}
	return 0;
}

/* The few keys that may stand outside their home bucket. */
GABION_OUTLINE_HERE __u64 gabion_find_on6(gabion_table6 table, __u32 mask, const __u32 *key, __u32 home)
{
	return gabion_walk6(table, mask, key, home, 1);
}

/* For the tables that every packet meets: the home bucket at once, the others out of line. */
GABION_INLINE __u64 gabion_find6(gabion_table6 table, __u32 mask, const __u32 *key, __u64 hash)
{
	__u32 home = gabion_hash_index(hash, mask), slot;
	const struct gabion_bucket6 *bucket = gabion_at(table, home);

	if (!bucket)
		return 0;
	if (!gabion_difference6(bucket->key[0], key) && bucket->value[0])
		return gabion_found(home * GABION_STRIDE6, bucket->value[0]);
	if (bucket->filter & gabion_filter6(hash)) {
		slot = gabion_search6(bucket, key);
		if (slot < GABION_SLOTS6)
			return gabion_found(home * GABION_STRIDE6 + slot, bucket->value[slot]);
	}
	if (GABION_LIKELY(!bucket->overflow))
		return 0;
	return gabion_find_on6(table, mask, key, home);
}

/* The key of a prefix of a given length (shorter than an address): its bits, a one, zeros. In and out in network byte order. */
GABION_INLINE __u32 gabion_prefix_key4(__u32 word, __u32 length)
{
	__u32 one = 0x80000000u >> (length & 31);

	return GABION_SWAP32((GABION_SWAP32(word) & ~(one - 1)) | one);
}

GABION_INLINE void gabion_prefix_key6(const __u32 *word, __u32 length, __u32 *key)
{
	__u32 i;

	GABION_UNROLL
	for (i = 0; i < 4; i++) {
		if (length >= 32 * (i + 1))
			key[i] = word[i];
		else if (length >= 32 * i)
			key[i] = gabion_prefix_key4(word[i], length);
		else
			key[i] = 0;
	}
}

#endif
