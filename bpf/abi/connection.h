/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What user space tells about connections and proofs. Kept in the control page. */
#ifndef GABION_ABI_CONNECTION_H
#define GABION_ABI_CONNECTION_H

#include "compat.h"
#include "limits.h"

struct gabion_connection_control {
	__u32 proven_ticks; /* a source counts as proven this long after its last proof; 0 = none does */
	__u32 reserved[15];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_connection_control) == GABION_CACHE_LINE, "one line");

#endif
