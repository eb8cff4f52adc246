/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a quarantined source (or prefix) may still send: one value a slot in an array that runs beside the quarantine tables.
 * User space fills the limits before the entry's value is written; the kernel keeps the rest.
 *
 * Whatever the limits: packets of flows that the host itself opened or whose handshake the host's own stack completed
 * (struct gabion_flow) pass, and one SYN in each quarantine_syn_ticks passes.
 */
#ifndef GABION_ABI_QUARANTINE_H
#define GABION_ABI_QUARANTINE_H

#include "compat.h"
#include "limits.h"

#define GABION_QUARANTINE_HOPS                                                                                         \
	1u /* packets whose TTL lies outside [ttl_low, ttl_high] are dropped, the others pass freely */
#define GABION_QUARANTINE_CELL                                                                                         \
	2u /* only packets of `protocol` to `destination_port` are subject; the others pass freely */
#define GABION_QUARANTINE_SPARE_KNOWN 4u /* sources known from calm times are not subject (for prefixes) */

struct gabion_quarantine {
	__u32 interval; /* ticks between two packets, times 2^16; 0 = none passes by rate */
	__u32 burst;	/* how far ahead of its schedule a source may be, in the same unit */
	__u8 flags;
	__u8 protocol;
	__u16 destination_port; /* host byte order */
	__u8 ttl_low;
	__u8 ttl_high;
	__u16 reserved;
	__u64 schedule; /* the next packet's theoretical arrival time (GCRA, ITU-T I.371 annex A), ticks * 2^16 */
	__u64 syn_at;	/* tick at which a SYN last passed */
	__u64 hits;	/* packets dropped */
	__u64 passed;	/* packets that passed within the rate */
	__u64 tail;
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_quarantine) == GABION_CACHE_LINE, "one line a source");

#endif
