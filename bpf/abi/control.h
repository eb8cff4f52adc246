/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What user space tells the kernel stage while it runs: one page-sized value in a one-entry mmap-able array, shared by all
 * interfaces, written by gabiond alone. Each field is a naturally aligned word that is stored at once.
 */
#ifndef GABION_ABI_CONTROL_H
#define GABION_ABI_CONTROL_H

#include "caps.h"
#include "compat.h"
#include "connection.h"
#include "flood.h"
#include "limits.h"
#include "source.h"
#include "syn.h"
#include "table.h"

enum gabion_panic_mode { GABION_PANIC_OFF, GABION_PANIC_AUTO, GABION_PANIC_ON };

/* `auto` trips when less than one token is left, and never while no rate is known; `on` always, `off` never. */
static inline __u64 gabion_trips_below(enum gabion_panic_mode mode, __u64 rate)
{
	if (mode == GABION_PANIC_ON)
		return ~0ull;
	return mode == GABION_PANIC_AUTO && rate ? GABION_TOKEN : 0;
}

/* Keys of the hash functions (bpf/lib/hash.h), random, made with the tables and kept as long as they are. */
struct gabion_hash_key {
	__u64 add;
	__u64 multiply[4];
	__u64 finish; /* odd */
};

struct gabion_panic_control {
	__u64 trips_below;    /* tripped while the bucket holds less than this: gabion_trips_below() */
	__u64 rate;	      /* tokens a tick, times 2^16 */
	__u64 depth;	      /* the bucket's size in tokens, times 2^16 */
	__u32 drop_threshold; /* a random 32-bit number below this drops: drop_ratio * 2^32, at most 2^32 - 1 */
	__u32 reserved;
};

struct gabion_sampling_control {
	__u32 one_in;	    /* thinnest ratio; 0 = only what is suspicious; 1 = everything */
	__u32 budget;	    /* samples a CPU may take in one period before it thins */
	__u32 period_ticks; /* length of such a period, at least 1 */
	__u32 reserved;
};

struct gabion_control {
	__u32 abi_version;
	__u32 dry_run;
	struct gabion_hash_key hash;
	struct gabion_panic_control panic;
	struct gabion_sampling_control sampling;
	__u32 destinations; /* entries in the destination table: 0 = do not look */
	__u32 allow_bloom;  /* which of the two generations is read: 0 or 1 */
	__u32 known_bloom;  /* likewise; a source is known when it is in either generation of the known-source filter */
	__u32 known_active; /* 0 = nothing is known yet: do not look */
	__u32 flow_idle_ticks;	    /* an own or established flow is believed this long after its last packet out */
	__u32 quarantine_syn_ticks; /* one SYN of a quarantined source passes in each such time */
	__u8 reserved[40];
	struct gabion_flood flood;
	struct gabion_connection_control connections;
	struct gabion_caps_control caps;
	struct gabion_source_control sources;
	struct gabion_syn_control syn;
	struct gabion_set_header set[GABION_SET_COUNT] GABION_ALIGNED(GABION_CACHE_LINE);
};

_Static_assert(sizeof(struct gabion_control) <= 4096, "one page");

#endif
