/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Asking the prefix map (bpf/abi/prefix.h): NULL when no set holds a prefix that the address lies in, else the lengths of those
 * that it may lie in.
 */
#ifndef GABION_LIB_COVER_H
#define GABION_LIB_COVER_H

#include "hash.h"
#include "tables.h"

GABION_INLINE const struct gabion_prefix_lengths *gabion_cover4(const struct gabion_tables *tables, __u32 word)
{
	__u32 block = GABION_SWAP32(word) >> 8;
	const __u64 *bits = gabion_at(GABION_TABLE(tables, prefix_map4), block >> 6);

	if (!bits || GABION_LIKELY(!(*bits >> (block & 63) & 1)))
		return GABION_NULL;
	return gabion_at(GABION_TABLE(tables, prefix_lengths4), block >> 8);
}

GABION_INLINE const struct gabion_prefix_lengths *gabion_cover6(const struct gabion_tables *tables, const __u32 *word)
{
	const struct gabion_hash_key *key = &tables->control->hash;
	__u64 wide = gabion_hash_wide6(key, word), narrow = gabion_hash_narrow6(key, word), bits;
	__u32 at = gabion_hash_index(wide, GABION_SETTINGS(tables).prefix_mask6);
	const struct gabion_prefix_line6 *line = gabion_at(GABION_TABLE(tables, prefix_map6), at);

	if (!line)
		return GABION_NULL;
	bits = line->wide[wide >> 6 & (GABION_PREFIX_WORDS6 - 1)] >> (wide & 63) |
	       line->narrow[narrow >> 6 & (GABION_PREFIX_WORDS6 - 1)] >> (narrow & 63);
	return GABION_LIKELY(!(bits & 1)) ? GABION_NULL : gabion_at(GABION_TABLE(tables, prefix_lengths6), at);
}

/* As read once a packet, by the first stage that needs it. */
struct gabion_cover {
	const struct gabion_prefix_lengths *lengths;
	__u32 asked;
};

GABION_INLINE const struct gabion_prefix_lengths *gabion_covering(struct gabion_cover *cover, const __u32 *word,
								  __u32 version, const struct gabion_tables *tables)
{
	if (!cover->asked) {
		cover->asked = 1;
		cover->lengths = version == 4 ? gabion_cover4(tables, word[0]) : gabion_cover6(tables, word);
	}
	return cover->lengths;
}

#endif
