/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Look-ups of a source in each of the sets. Every set gets two functions: gabion_SET_exact and gabion_SET_prefix, both of
 * which first ask the set's header, so that an empty table costs one comparison. Results as in bpf/lib/table.h.
 */
#ifndef GABION_LIB_SETS_H
#define GABION_LIB_SETS_H

#include "cover.h"
#include "table.h"

GABION_INLINE __u64 gabion_two_words(const __u32 *word)
{
	return GABION_CAST(__u64, word[1]) << 32 | word[0];
}

/*
 * gabion_SET_prefix: the longest prefix in force that holds the source; only lengths that the prefix map names are tried; `timed` says that values are expiries, and what ended does
 * not hide shorter prefixes. Probing for one length and going through the lengths are functions out of line, so that the
 * verifier walks each loop once instead of once for each way that leads to it.
 */
#define GABION_SET_LOOKUPS(name, SET, timed)                                                                           \
	GABION_OUTLINE __u64 gabion_##name##_length4(GABION_OUTLINE_TABLES __u32 source, __u32 length)                 \
	{                                                                                                              \
		__u32 key = gabion_prefix_key4(source, length);                                                        \
                                                                                                                       \
		GABION_OUTLINE_FIND_TABLES();                                                                          \
		return gabion_walk4(GABION_TABLE(tables, name##_p4), GABION_SETTINGS(tables).mask[SET].prefix4, key,   \
				    gabion_hash_index(gabion_hash4(&tables->control->hash, key),                       \
						      GABION_SETTINGS(tables).mask[SET].prefix4));                     \
	}                                                                                                              \
	GABION_OUTLINE __u64 gabion_##name##_prefix4(GABION_OUTLINE_TABLES __u32 source, __u32 now, __u32 mask)        \
	{                                                                                                              \
		const struct gabion_set_header *header;                                                                \
		__u32 count, i;                                                                                        \
                                                                                                                       \
		GABION_OUTLINE_FIND_TABLES();                                                                          \
		__asm__ volatile("" : : "r"(now)); /* unused, a caller would leave its register unset */               \
		header = &tables->control->set[SET];                                                                   \
		count = gabion_read32(&header->length_count4);                                                         \
		for (i = 0; i < GABION_PREFIX_LENGTHS_MAX && i < count; i++) {                                         \
			__u32 length = header->lengths4[i];                                                            \
			__u64 found;                                                                                   \
                                                                                                                       \
			if (!(mask >> (length & 31) & 1))                                                              \
				continue;                                                                              \
			found = gabion_##name##_length4(GABION_GIVE_TABLES(tables) source, length);                    \
                                                                                                                       \
			if (found && (!timed || gabion_in_force(gabion_found_value(found), now)))                      \
				return found;                                                                          \
		}                                                                                                      \
		return 0;                                                                                              \
	}                                                                                                              \
	GABION_OUTLINE __u64 gabion_##name##_length6(GABION_OUTLINE_TABLES __u64 low, __u64 high, __u32 length)        \
	{                                                                                                              \
		const __u32 source[4] GABION_ALIGNED(8) = {GABION_CAST(__u32, low), GABION_CAST(__u32, low >> 32),     \
							   GABION_CAST(__u32, high), GABION_CAST(__u32, high >> 32)};  \
		__u32 key[4] GABION_ALIGNED(8);                                                                        \
                                                                                                                       \
		GABION_OUTLINE_FIND_TABLES();                                                                          \
		gabion_prefix_key6(source, length, key);                                                               \
		return gabion_walk6(GABION_TABLE(tables, name##_p6), GABION_SETTINGS(tables).mask[SET].prefix6, key,   \
				    gabion_hash_index(gabion_hash6(&tables->control->hash, key),                       \
						      GABION_SETTINGS(tables).mask[SET].prefix6));                     \
	}                                                                                                              \
	GABION_OUTLINE __u64 gabion_##name##_prefix6(GABION_OUTLINE_TABLES __u64 low, __u64 high, __u32 now,           \
						     __u32 mask)                                                       \
	{                                                                                                              \
		const struct gabion_set_header *header;                                                                \
		__u32 count, i;                                                                                        \
                                                                                                                       \
		GABION_OUTLINE_FIND_TABLES();                                                                          \
		__asm__ volatile("" : : "r"(now)); /* unused, a caller would leave its register unset */               \
		header = &tables->control->set[SET];                                                                   \
		count = gabion_read32(&header->length_count6);                                                         \
		for (i = 0; i < GABION_PREFIX_LENGTHS_MAX && i < count; i++) {                                         \
			__u32 length = header->lengths6[i];                                                            \
			__u64 found;                                                                                   \
                                                                                                                       \
			if (!(mask >> (length >> 2 & 31) & 1))                                                         \
				continue;                                                                              \
			found = gabion_##name##_length6(GABION_GIVE_TABLES(tables) low, high, length);                 \
                                                                                                                       \
			if (found && (!timed || gabion_in_force(gabion_found_value(found), now)))                      \
				return found;                                                                          \
		}                                                                                                      \
		return 0;                                                                                              \
	}                                                                                                              \
	/* Prefixes that the set holds for the family: 0 = none. */                                                    \
	GABION_INLINE __u32 gabion_##name##_prefixes(__u32 version, const struct gabion_tables *tables)                \
	{                                                                                                              \
		const struct gabion_set_header *header = &tables->control->set[SET];                                   \
                                                                                                                       \
		return version == 4 ? header->length_count4 : header->length_count6;                                   \
	}                                                                                                              \
	GABION_INLINE __u64 gabion_##name##_prefix(struct gabion_cover *cover, const __u32 *word, __u32 version,       \
						   const struct gabion_tables *tables, __u32 now)                      \
	{                                                                                                              \
		const struct gabion_prefix_lengths *lengths;                                                           \
		__u32 mask;                                                                                            \
                                                                                                                       \
		if (!gabion_##name##_prefixes(version, tables))                                                        \
			return 0;                                                                                      \
		lengths = gabion_covering(cover, word, version, tables);                                               \
		if (GABION_LIKELY(!lengths))                                                                           \
			return 0;                                                                                      \
		mask = gabion_read32(&lengths->of_set[SET]);                                                           \
		if (!mask)                                                                                             \
			return 0;                                                                                      \
		if (version == 4)                                                                                      \
			return gabion_##name##_prefix4(GABION_GIVE_TABLES(tables) word[0], now, mask);                 \
		return gabion_##name##_prefix6(GABION_GIVE_TABLES(tables) gabion_two_words(word),                      \
					       gabion_two_words(word + 2), now, mask);                                 \
	}                                                                                                              \
	/* Whether the set holds anything for the packet's family. */                                                  \
	GABION_INLINE __u32 gabion_##name##_any(__u32 version, const struct gabion_tables *tables)                     \
	{                                                                                                              \
		const struct gabion_set_header *header = &tables->control->set[SET];                                   \
                                                                                                                       \
		return version == 4 ? header->exact4 | header->length_count4 : header->exact6 | header->length_count6; \
	}                                                                                                              \
	GABION_INLINE __u64 gabion_##name##_exact(const __u32 *word, __u32 version,                                    \
						  const struct gabion_tables *tables, __u64 hash, __u32 now)           \
	{                                                                                                              \
		const struct gabion_set_header *header = &tables->control->set[SET];                                   \
		__u64 found = 0;                                                                                       \
                                                                                                                       \
		if (version == 4) {                                                                                    \
			if (header->exact4)                                                                            \
				found = gabion_find4(GABION_TABLE(tables, name##_e4),                                  \
						     GABION_SETTINGS(tables).mask[SET].exact4, word[0], hash);         \
		} else if (header->exact6) {                                                                           \
			found = gabion_find6(GABION_TABLE(tables, name##_e6),                                          \
					     GABION_SETTINGS(tables).mask[SET].exact6, word, hash);                    \
		}                                                                                                      \
		return found && (!timed || gabion_in_force(gabion_found_value(found), now)) ? found : 0;               \
	}

GABION_SET_LOOKUPS(allow, GABION_SET_ALLOW, 0)
GABION_SET_LOOKUPS(op, GABION_SET_OPERATOR, 1)
GABION_SET_LOOKUPS(det, GABION_SET_DETECTOR, 1)
GABION_SET_LOOKUPS(quar, GABION_SET_QUARANTINE, 1)
GABION_SET_LOOKUPS(watch, GABION_SET_WATCH, 1)

#endif
