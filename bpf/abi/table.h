/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tables of addresses: open hash tables of one-cache-line buckets in mmap-able arrays. User space writes, the kernel reads, so a
 * look-up is inline code that touches one line, and an update is a store.
 *
 * A key's home bucket is its keyed hash masked to the table (bpf/lib/hash.h); when that is full the entry stands in one of the next
 * GABION_PROBE_MAX buckets, and the overflow count of every bucket that it passed counts it. A look-up goes on to the next bucket only
 * while that is not zero.
 *
 * `marks` has a byte for each slot, the lowest for the first: the tag of the key that stands there (gabion_tag), 0 where none does. Its
 * highest byte is the overflow count, which GABION_PROBE_MAX times the slots of a bucket bound. All tags are compared at once, so a
 * look-up reads one key and takes no branch that depends on where it stands. A tag is set before the value and goes after it; one
 * too many costs a search.
 *
 * What the single writer promises: a key is written into an empty slot first and its value last; a slot is emptied by its value
 * alone; an entry that moves is copied before its old slot is emptied. A reader therefore sees an entry whole or not at all.
 *
 * A prefix shorter than an address has a key of the same width: its bits, then a one, then zeros. No two prefixes share such a key.
 *
 * Keys are in network byte order, as in the packet; IPv6 addresses are four such words.
 */
#ifndef GABION_ABI_TABLE_H
#define GABION_ABI_TABLE_H

#include "compat.h"
#include "limits.h"

#define GABION_SLOTS4 7
#define GABION_SLOTS6 3
/* Slots that a bucket has in arrays which run beside a table (hits, quarantine): index = bucket * stride + slot. */
#define GABION_STRIDE4 8
#define GABION_STRIDE6 4

/* value 0: the slot is empty. What else a value means is up to the table: see enum gabion_set. */
struct gabion_bucket4 {
	__u32 key[GABION_SLOTS4];
	__u32 value[GABION_SLOTS4];
	__u64 marks;
} GABION_ALIGNED(GABION_CACHE_LINE);

struct gabion_bucket6 {
	__u32 key[GABION_SLOTS6][4];
	__u32 value[GABION_SLOTS6];
	__u32 marks;
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_bucket4) == GABION_CACHE_LINE, "one line a look-up");
_Static_assert(sizeof(struct gabion_bucket6) == GABION_CACHE_LINE, "one line a look-up");

/* Where the overflow count stands in `marks`. */
#define GABION_OVERFLOW_SHIFT4 56
#define GABION_OVERFLOW_SHIFT6 24

_Static_assert(GABION_PROBE_MAX *GABION_SLOTS4 < 256, "an overflow count is a byte");

/*
 * The sets, each with four tables: exact IPv4, exact IPv6, IPv4 prefixes, IPv6 prefixes.
 *   ALLOW      value = GABION_SKIP_* bits | GABION_ALLOW_ENTRY
 *   OPERATOR, DETECTOR, QUARANTINE, WATCH   value = expiry (see below)
 */
enum gabion_set {
	GABION_SET_ALLOW,
	GABION_SET_OPERATOR,
	GABION_SET_DETECTOR,
	GABION_SET_QUARANTINE,
	GABION_SET_WATCH,
	GABION_SET_COUNT
};

#define GABION_ALLOW_ENTRY     1u /* makes the value of an entry that skips nothing different from an empty slot */
#define GABION_SKIP_BANS       2u
#define GABION_SKIP_RATES      4u
#define GABION_SKIP_VALIDATION 8u
#define GABION_SKIP_ALL	       (GABION_SKIP_BANS | GABION_SKIP_RATES | GABION_SKIP_VALIDATION)

/*
 * Expiry: the low 32 bits of jiffies at which the entry ends, never 0 or GABION_FOREVER. An entry is in force while
 * 0 < (__u32)(expiry - now) <= GABION_EXPIRY_AHEAD_MAX. Longer ones are written as GABION_FOREVER and taken out by user space
 * when their time comes: when user space is dead the kernel goes on enforcing them. An entry that ended and was
 * never swept would be in force again after 3 * 2^30 ticks (37 days at 1,000 Hz, 149 at 250), for the 2^30 that follow.
 */
#define GABION_FOREVER		0xffffffffu
#define GABION_EXPIRY_AHEAD_MAX 0x40000000u

/*
 * What a look-up asks first. `exact4`, `exact6` are raised before the first entry is written and lowered after the last one
 * is gone, so zero is proof that the table is empty. `lengths4`, `lengths6` list the prefix lengths in use, longest first;
 * `length_count*` is raised after its entry is in place and an entry in the list without prefixes costs a probe, no more.
 */
struct gabion_set_header {
	__u32 exact4;
	__u32 exact6;
	__u32 length_count4;
	__u32 length_count6;
	__u8 lengths4[GABION_PREFIX_LENGTHS_MAX];
	__u8 lengths6[GABION_PREFIX_LENGTHS_MAX];
	__u8 reserved[48];
} GABION_ALIGNED(GABION_CACHE_LINE);

_Static_assert(sizeof(struct gabion_set_header) == 2 * GABION_CACHE_LINE, "counts and lengths");

#endif
