/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sources known from calm times: in either generation of their filter, of which one is the past and one is being filled. */
#ifndef GABION_LIB_KNOWN_H
#define GABION_LIB_KNOWN_H

#include "bloom.h"

GABION_INLINE int gabion_known(const struct gabion_tables *tables, __u64 hash)
{
	__u32 mask = GABION_SETTINGS(tables).known_bloom_mask;

	if (!gabion_read32(&tables->control->known_active))
		return 0;
	return gabion_bloom_has(GABION_TABLE(tables, known_bloom), mask, 0, hash) ||
	       gabion_bloom_has(GABION_TABLE(tables, known_bloom), mask, 1, hash);
}

#endif
