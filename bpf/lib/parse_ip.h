/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parser's IP layer: IPv4 with options, IPv6 with a bounded chain of extension headers (RFC 8200), fragments of both. */
#ifndef GABION_LIB_PARSE_IP_H
#define GABION_LIB_PARSE_IP_H

#include "parse_l4.h"

#define GABION_IPV6_HOP_BY_HOP	   0
#define GABION_IPV6_ROUTING	   43
#define GABION_IPV6_FRAGMENT	   44
#define GABION_IPV6_AUTHENTICATION 51
#define GABION_IPV6_DESTINATION	   60

#define GABION_IPV4_MORE_FRAGMENTS  0x2000
#define GABION_IPV4_FRAGMENT_OFFSET 0x1fff
#define GABION_IPV6_MORE_FRAGMENTS  0x0001
#define GABION_IPV6_FRAGMENT_OFFSET 0xfff8

struct gabion_wire_ipv4 {
	__u8 version_and_words;
	__u8 service;
	__u16 length;
	__u16 identification;
	__u16 fragment;
	__u8 ttl;
	__u8 protocol;
	__u16 checksum;
	__u32 source;
	__u32 destination;
} GABION_WIRE;

struct gabion_wire_ipv6 {
	__u8 version_and_class;
	__u8 class_and_label[3];
	__u16 payload_length;
	__u8 next;
	__u8 hop_limit;
	__u32 source[4];
	__u32 destination[4];
} GABION_WIRE;

struct gabion_wire_extension {
	__u8 next;
	__u8 length; /* in units of 8 bytes behind the first 8; the authentication header: 4 bytes, behind the first 8 */
	__u16 fragment;
	__u32 rest;
} GABION_WIRE;

/*
 * Length of the packet as Linux reads it. 0 in a frame longer than any length field can say is "BIG TCP", one large segment of a
 * local sender (iph_totlen()).
 */
GABION_INLINE __u32 gabion_ipv4_length(const struct gabion_wire_ipv4 *ip, __u32 in_frame)
{
	__u32 length = GABION_SWAP16(ip->length);

	return !length && in_frame > 0xffff ? in_frame : length;
}

/* Whether the fixed header may be believed; each of these: ip_rcv_core(). Nearly all headers have no options. */
GABION_INLINE int gabion_ipv4_sound(const struct gabion_wire_ipv4 *ip, __u32 in_frame)
{
	__u32 first = ip->version_and_words, length = GABION_SWAP16(ip->length), header = (first & 0xf) * 4u;

	if (GABION_LIKELY(first == 0x45 && length >= sizeof(*ip) && length <= in_frame))
		return 1;
	length = gabion_ipv4_length(ip, in_frame);
	return first >> 4 == 4 && header >= sizeof(*ip) && length >= header && length <= in_frame;
}

GABION_INLINE __u32 gabion_parse_ipv4(struct gabion_cursor *cursor, struct gabion_packet *packet)
{
	__u32 in_frame = cursor->left, header, length, fragment, flags = 0;
	const struct gabion_wire_ipv4 *ip;

	ip = GABION_AT(struct gabion_wire_ipv4, gabion_take(cursor, sizeof(*ip)));
	if (!ip || !gabion_ipv4_sound(ip, in_frame))
		return GABION_REASON_MALFORMED_IPV4;
	header = (ip->version_and_words & 0xf) * 4u;
	length = gabion_ipv4_length(ip, in_frame);

	packet->ip_version = 4;
	packet->ip_length = length;
	packet->source.word[0] = ip->source;
	packet->destination.word[0] = ip->destination;
	packet->ttl = ip->ttl;
	packet->protocol = ip->protocol;
	fragment = GABION_SWAP16(ip->fragment);
	cursor->left = length - GABION_CAST(__u32, sizeof(*ip));
	if (header > sizeof(*ip)) {
		flags |= GABION_PACKET_IP_OPTIONS;
		if (!gabion_take(cursor, header - GABION_CAST(__u32, sizeof(*ip))))
			return GABION_REASON_MALFORMED_IPV4;
	}
	if (fragment & (GABION_IPV4_MORE_FRAGMENTS | GABION_IPV4_FRAGMENT_OFFSET))
		flags |= GABION_PACKET_FRAGMENT;
	if (fragment & GABION_IPV4_FRAGMENT_OFFSET)
		flags |= GABION_PACKET_LATER_FRAGMENT;
	packet->fragment_id = GABION_SWAP16(ip->identification);
	packet->fragment_offset = (fragment & GABION_IPV4_FRAGMENT_OFFSET) * 8u;
	return gabion_parse_l4(cursor, packet, flags);
}

/* Sets of protocol numbers below 64, as bits. */
#define GABION_IPV6_OPTIONS (1ull << GABION_IPV6_HOP_BY_HOP | 1ull << GABION_IPV6_DESTINATION)
#define GABION_IPV6_EXTENSIONS                                                                                         \
	(GABION_IPV6_OPTIONS | 1ull << GABION_IPV6_ROUTING | 1ull << GABION_IPV6_FRAGMENT |                            \
	 1ull << GABION_IPV6_AUTHENTICATION)

GABION_INLINE __u32 gabion_is_one_of(__u64 set, __u32 next)
{
	return next < 64 && set >> next & 1;
}

/*
 * Flags that a header in the chain adds: in arithmetic, since the verifier would otherwise walk all that follows once for each
 * combination. A routing header is legal and hardly ever seen outside test beds and attacks. A fragment header around a whole packet,
 * an "atomic fragment" (RFC 6946), Linux takes for whole: odd.
 */
GABION_INLINE __u32 gabion_extension_flags(__u32 kind, __u32 fragment)
{
	__u64 is_fragment = 1ull << GABION_IPV6_FRAGMENT >> kind & 1, later = fragment & GABION_IPV6_FRAGMENT_OFFSET;
	__u64 more = fragment & GABION_IPV6_MORE_FRAGMENTS;

	later = is_fragment * ((0 - later) >> 63);
	more = is_fragment * more;
	__asm__("" : "+r"(later), "+r"(more), "+r"(is_fragment));
	return GABION_CAST(__u32, (GABION_IPV6_OPTIONS >> kind & 1) * GABION_PACKET_IP_OPTIONS |
					  (1ull << GABION_IPV6_ROUTING >> kind & 1) * GABION_PACKET_ODD |
					  (later | more) * GABION_PACKET_FRAGMENT |
					  later * GABION_PACKET_LATER_FRAGMENT |
					  (is_fragment & ~(later | more)) * GABION_PACKET_ODD);
}

/* Where a fragment belongs; as above, in arithmetic. */
GABION_INLINE void gabion_note_fragment(struct gabion_packet *packet, __u32 kind,
					const struct gabion_wire_extension *extension)
{
	__u32 is_fragment = GABION_CAST(__u32, 1ull << GABION_IPV6_FRAGMENT >> kind & 1);

	__asm__("" : "+r"(is_fragment));
	packet->fragment_id += is_fragment * GABION_SWAP32(extension->rest);
	packet->fragment_offset += is_fragment * (GABION_SWAP16(extension->fragment) & GABION_IPV6_FRAGMENT_OFFSET);
}

/*
 * Walks the chain; afterwards packet->protocol says what follows it. In the first fragment of a datagram the chain may be cut
 * short without Linux minding before reassembly: that is odd, not malformed. Out of line, since few packets have a chain.
 */
GABION_OUTLINE_HERE __u32 gabion_parse_chain(struct gabion_cursor *cursor, struct gabion_packet *packet)
{
	__u32 flags = 0, next = packet->protocol, count;
	const struct gabion_wire_extension *extension;

	for (count = 0; count < GABION_IPV6_EXTENSIONS_MAX; count++) {
		__u32 kind = next & 63, bytes;

		if (!gabion_is_one_of(GABION_IPV6_EXTENSIONS, next) || flags & GABION_PACKET_LATER_FRAGMENT)
			break;
		/* ipv6_parse_hopopts(), ipv6_destopt_rcv(), ipv6_rthdr_rcv(), ipv6_frag_rcv(), ah6_input() all pull 8 bytes ... */
		extension = GABION_AT(struct gabion_wire_extension, gabion_take(cursor, sizeof(*extension)));
		if (!extension)
			goto cut_short;
		/* ... and then the length that these tell, in eights, for the authentication header in fours */
		bytes = extension->length * 8u >> (1ull << GABION_IPV6_AUTHENTICATION >> kind & 1);
		bytes *= GABION_CAST(__u32, ~(1ull << GABION_IPV6_FRAGMENT) >> kind & 1);
		flags |= gabion_extension_flags(kind, GABION_SWAP16(extension->fragment));
		gabion_note_fragment(packet, kind, extension);
		next = extension->next;
		if (!gabion_take(cursor, bytes))
			goto cut_short;
	}
	packet->protocol = GABION_CAST(__u8, next);
	packet->flags = GABION_CAST(__u16, flags);
	if (gabion_is_one_of(GABION_IPV6_EXTENSIONS, next) && !(flags & GABION_PACKET_LATER_FRAGMENT))
		return GABION_REASON_IPV6_CHAIN;
	return GABION_REASON_NONE;
cut_short:
	packet->protocol = GABION_CAST(__u8, next);
	packet->flags = GABION_CAST(__u16, flags | GABION_PACKET_ODD);
	cursor->left = 0;
	return flags & GABION_PACKET_FRAGMENT ? GABION_REASON_NONE : GABION_REASON_MALFORMED_IPV6;
}

/* payload length 0 and a hop-by-hop header: a jumbogram (RFC 2675), whose length Linux takes from the frame */
GABION_INLINE __u32 gabion_ipv6_payload(const struct gabion_wire_ipv6 *ip, __u32 in_frame)
{
	__u32 payload = GABION_SWAP16(ip->payload_length);

	return !payload && ip->next == GABION_IPV6_HOP_BY_HOP ? in_frame - GABION_CAST(__u32, sizeof(*ip)) : payload;
}

/* As gabion_ipv4_sound; each of these: ip6_rcv_core() */
GABION_INLINE int gabion_ipv6_sound(const struct gabion_wire_ipv6 *ip, __u32 in_frame)
{
	return ip->version_and_class >> 4 == 6 && gabion_ipv6_payload(ip, in_frame) <= in_frame - sizeof(*ip);
}

GABION_INLINE __u32 gabion_parse_ipv6(struct gabion_cursor *cursor, struct gabion_packet *packet)
{
	__u32 in_frame = cursor->left, payload, reason;
	const struct gabion_wire_ipv6 *ip;

	ip = GABION_AT(struct gabion_wire_ipv6, gabion_take(cursor, sizeof(*ip)));
	if (!ip || !gabion_ipv6_sound(ip, in_frame))
		return GABION_REASON_MALFORMED_IPV6;
	payload = gabion_ipv6_payload(ip, in_frame);
	packet->ip_version = 6;
	packet->ip_length = payload + GABION_CAST(__u32, sizeof(*ip));
	__builtin_memcpy(packet->source.word, ip->source, sizeof(ip->source));
	__builtin_memcpy(packet->destination.word, ip->destination, sizeof(ip->destination));
	packet->ttl = ip->hop_limit;
	packet->protocol = ip->next;
	cursor->left = payload;
	if (GABION_UNLIKELY(gabion_is_one_of(GABION_IPV6_EXTENSIONS, ip->next))) {
		struct gabion_cursor chain = *cursor; /* a copy, so that the usual packet's cursor stays in registers */

		reason = gabion_parse_chain(&chain, packet);
		if (reason)
			return reason;
		*cursor = chain;
	}
	return gabion_parse_l4(cursor, packet, packet->flags);
}

#endif
