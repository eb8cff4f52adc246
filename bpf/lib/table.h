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

/*
 * The slots whose tag is the one looked for, as the highest bit of their byte, in a word of `marks`. What stands above the first of them
 * may be wrong (a borrow), so it is the first that counts: the zero-byte test of Warren, "Hacker's Delight", 2nd ed., section 6-1.
 */
GABION_INLINE __u64 gabion_tagged(__u64 marks, __u64 hash)
{
	const __u64 ones = 0x0001010101010101ull;
	__u64 difference = marks ^ ones * gabion_tag(hash);

	return (difference - ones) & ~difference & ones << 7;
}

/* The first of them: its bit, 2^(8 i + 7), moves the i-th of the numbers in the constant to the top. */
GABION_INLINE __u32 gabion_first_slot(__u64 tagged)
{
	const __u64 numbers = 1ull << 46 | 2ull << 38 | 3ull << 30 | 4ull << 22 | 5ull << 14 | 6ull << 6;

	return GABION_CAST(__u32, (tagged & (0 - tagged)) * numbers >> 61);
}

/* From the home bucket on, one after the other. */
GABION_INLINE __u64 gabion_walk4(gabion_table4 table, __u32 mask, __u32 key, __u32 home)
{
	__u32 probe;

	for (probe = 0; probe <= GABION_PROBE_MAX; probe++) {
		__u32 at = (home + probe) & mask, slot;
		const struct gabion_bucket4 *bucket = gabion_at(table, at);

		if (!bucket)
			return 0;
		slot = gabion_slot4(bucket, key);
		if (slot < GABION_SLOTS4)
			return gabion_found(at * GABION_STRIDE4 + slot, bucket->value[slot]);
		if (!(bucket->marks >> GABION_OVERFLOW_SHIFT4))
			return 0;
	}
	return 0;
}

/* Out of line: the few keys that may stand outside their home bucket, or behind another one of the same tag. */
GABION_OUTLINE_HERE __u64 gabion_search4(gabion_table4 table, __u32 mask, __u32 key, __u32 home)
{
	return gabion_walk4(table, mask, key, home);
}

/* For the tables that every packet meets. */
GABION_INLINE __u64 gabion_find4(gabion_table4 table, __u32 mask, __u32 key, __u64 hash)
{
	__u32 home = gabion_hash_index(hash, mask), slot;
	const struct gabion_bucket4 *bucket = gabion_at(table, home);
	__u64 tagged;

	if (!bucket)
		return 0;
	tagged = gabion_tagged(bucket->marks, hash);
	if (!tagged && GABION_LIKELY(!(bucket->marks >> GABION_OVERFLOW_SHIFT4)))
		return 0;
	slot = gabion_first_slot(tagged);
	if (GABION_LIKELY(tagged && bucket->key[slot] == key && bucket->value[slot]))
		return gabion_found(home * GABION_STRIDE4 + slot, bucket->value[slot]);
	return gabion_search4(table, mask, key, home);
}

GABION_INLINE __u64 gabion_walk6(gabion_table6 table, __u32 mask, const __u32 *key, __u32 home)
{
	__u32 probe;

	for (probe = 0; probe <= GABION_PROBE_MAX; probe++) {
		__u32 at = (home + probe) & mask, slot;
		const struct gabion_bucket6 *bucket = gabion_at(table, at);

		if (!bucket)
			return 0;
		slot = gabion_slot6(bucket, key);
		if (slot < GABION_SLOTS6)
			return gabion_found(at * GABION_STRIDE6 + slot, bucket->value[slot]);
		if (!(bucket->marks >> GABION_OVERFLOW_SHIFT6))
			return 0;
	}
	return 0;
}

GABION_OUTLINE_HERE __u64 gabion_search6(gabion_table6 table, __u32 mask, const __u32 *key, __u32 home)
{
	return gabion_walk6(table, mask, key, home);
}

GABION_INLINE __u64 gabion_find6(gabion_table6 table, __u32 mask, const __u32 *key, __u64 hash)
{
	__u32 home = gabion_hash_index(hash, mask), slot;
	const struct gabion_bucket6 *bucket = gabion_at(table, home);
	__u64 tagged;

	if (!bucket)
		return 0;
	tagged = gabion_tagged(bucket->marks, hash) & 0x808080;
	if (!tagged && GABION_LIKELY(!(bucket->marks >> GABION_OVERFLOW_SHIFT6)))
		return 0;
	slot = gabion_first_slot(tagged) & 3;
	if (GABION_LIKELY(tagged && !gabion_difference6(bucket->key[slot], key) && bucket->value[slot]))
		return gabion_found(home * GABION_STRIDE6 + slot, bucket->value[slot]);
	return gabion_search6(table, mask, key, home);
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
