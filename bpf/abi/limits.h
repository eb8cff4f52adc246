/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sizes and bounds that the kernel side and user space must agree on. Everything here is a property of the layout; what an
 * operator may choose is configuration (config/gabion.toml) and reaches the kernel as read-only data or through a map.
 */
#ifndef GABION_ABI_LIMITS_H
#define GABION_ABI_LIMITS_H

/* Raised whenever a layout in bpf/abi/ changes: pinned maps of another version are not reused. */
#define GABION_ABI_VERSION 8u

/* A cache line on every machine that this runs on; structures with different writers are kept this far apart. */
#define GABION_CACHE_LINE 64

/* Slots of the per-CPU reason counters; the list of reasons must fit. */
#define GABION_REASON_SLOTS 64

/*
 * Two tags: 802.1ad outside, 802.1Q inside. A third makes the packet "not IP" for us, or malformed when one of them is a
 * priority tag (VLAN 0).
 */
#define GABION_VLAN_TAGS_MAX 2

/* RFC 8504, section 5.3, lets a host refuse longer chains; eight is its suggested bound. */
#define GABION_IPV6_EXTENSIONS_MAX 8

/* Different prefix lengths that one set may hold at a time, for each family: the look-up probes each of them once. */
#define GABION_PREFIX_LENGTHS_MAX 32

/*
 * Buckets after the home bucket in which an entry may stand; bounds the probe. With tables sized as dataplane/map/shared_maps.cpp does
 * (4 entries a 7-slot bucket, 1 a 3-slot bucket, when full) 2.3 % of a million entries stand outside their home, none beyond 8 to 9.
 */
#define GABION_PROBE_MAX 16

/* Destinations whose posture is raised or that are capped at a time. */
#define GABION_DESTINATIONS_MAX 64

/* What one packet takes from a CPU's token bucket. */
#define GABION_TOKEN (1ull << 16)

/* Drops by bans that a CPU counts one by one in a tick, beside the entry; of more, one in so many, for as many (bpf/lib/hit.h). */
#define GABION_HITS_EXACT  256
#define GABION_HITS_ONE_IN 16

/* Tokens that a CPU takes at a time from a bucket that it shares with the others. */
#define GABION_CAP_LOT 32

/* Packets that may be in a worker's hands at a time, unless its rings are smaller. */
#define GABION_CREDIT_DEFAULT 256
#define GABION_CREDIT_MAX     2048

/* A worker that releases nothing for this long, with packets outstanding, is late; new packets pass it by. */
#define GABION_LATE_MS 5

/* Packets that waited longer than this are handed back without being looked at. */
#define GABION_STALE_MS 50

#endif
