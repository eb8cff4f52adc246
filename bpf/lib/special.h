/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses of special use, by IANA's special-purpose registries (RFC 6890) and the documents beside each. Two questions about a source:
 * the exact one, for the validation, and a coarse one in a few instructions, which the front asks of every plain packet: what is not
 * remarkable, none of the classes holds.
 */
#ifndef GABION_LIB_SPECIAL_H
#define GABION_LIB_SPECIAL_H

#include "../abi/settings.h"
#include "home.h"
#include "packet.h"

/* "This network" (RFC 1122), loopback, multicast (RFC 5771), class E and broadcast (RFC 1112). `address` in host byte order. */
GABION_INLINE int gabion_bogon4(__u32 address)
{
	return address >> 24 == 0 || address >> 24 == 127 || address >> 24 >= 224;
}

/* RFC 1918, shared space behind carriers' NAT (RFC 6598), link-local (RFC 3927). */
GABION_INLINE int gabion_private4(__u32 address)
{
	return address >> 24 == 10 || address >> 20 == 0xac1 || address >> 16 == 0xc0a8 ||
	       address >> 22 == (100u << 2 | 1) || address >> 16 == 0xa9fe;
}

/* TEST-NET-1 to 3 (RFC 5737), benchmarking (RFC 2544). */
GABION_INLINE int gabion_reserved4(__u32 address)
{
	return address >> 8 == 0xc00002 || address >> 8 == 0xc63364 || address >> 8 == 0xcb0071 ||
	       address >> 17 == 0xc612u >> 1;
}

/* Unspecified, loopback, multicast (RFC 4291), IPv4-mapped: the last of them is ::ffff:0:0/96, its ffff in the sixth group. */
GABION_INLINE int gabion_bogon6(const __u32 *word)
{
	if ((GABION_SWAP32(word[0]) >> 24) == 0xff)
		return 1;
	if (word[0] || word[1])
		return 0;
	return GABION_SWAP32(word[2]) == 0x0000ffff || (!word[2] && GABION_SWAP32(word[3]) <= 1);
}

/* Unique local (RFC 4193), link-local (RFC 4291). */
GABION_INLINE int gabion_link_local6(const __u32 *word)
{
	return GABION_SWAP32(word[0]) >> 22 == 0xfe80u >> 6;
}

GABION_INLINE int gabion_private6(const __u32 *word)
{
	return GABION_SWAP32(word[0]) >> 25 == 0xfcu >> 1 || gabion_link_local6(word);
}

/* Documentation (RFC 3849, RFC 9637), benchmarking (RFC 5180). */
GABION_INLINE int gabion_reserved6(const __u32 *word)
{
	__u32 first = GABION_SWAP32(word[0]);

	return first == 0x20010db8 || first >> 12 == 0x3fff0 ||
	       (first == 0x20010002 && !(GABION_SWAP32(word[1]) >> 16));
}

/* Whether any of the classes that are looked for may hold the source. The checks are known at load: what is off is no instruction. */
GABION_INLINE int gabion_remarkable4(__u32 source, __u32 checks)
{
	__u32 first = GABION_SWAP32(source) >> 24;

	if (checks & GABION_CHECK_BOGONS && (first - 1 >= 223 || first == 127))
		return 1;
	if (checks & GABION_CHECK_PRIVATE &&
	    (first == 10 || first == 100 || first == 169 || first == 172 || first == 192))
		return 1;
	return checks & GABION_CHECK_RESERVED && (first == 192 || first == 198 || first == 203);
}

GABION_INLINE int gabion_remarkable6(__u32 source, __u32 checks)
{
	__u32 first = GABION_SWAP32(source);

	if (checks & GABION_CHECK_BOGONS && (!first || first >> 24 == 0xff))
		return 1;
	if (checks & GABION_CHECK_PRIVATE && first >> 24 >= 0xfc)
		return 1;
	return checks & GABION_CHECK_RESERVED && (first >> 16 == 0x2001 || first >> 16 == 0x3fff);
}

GABION_INLINE int gabion_same_address(const __u32 *one, const __u32 *other)
{
	return one[3] == other[3] && one[2] == other[2] && one[1] == other[1] && one[0] == other[0];
}

/* Multicast, or the limited broadcast. */
GABION_INLINE int gabion_to_many(const struct gabion_packet *packet)
{
	__u32 first = GABION_SWAP32(packet->destination.word[0]);

	if (packet->ip_version == 4)
		return first >> 28 == 0xe || first == 0xffffffff;
	return first >> 24 == 0xff;
}

#endif
