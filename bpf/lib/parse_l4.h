/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parser's cursor, and its last layer: TCP, UDP, ICMP, ICMPv6. */
#ifndef GABION_LIB_PARSE_L4_H
#define GABION_LIB_PARSE_L4_H

#include "../abi/reason.h"
#include "home.h"
#include "packet.h"

#define GABION_PROTOCOL_ICMP   1
#define GABION_PROTOCOL_TCP    6
#define GABION_PROTOCOL_UDP    17
#define GABION_PROTOCOL_ICMPV6 58
#define GABION_PROTOCOL_SCTP   132

#define GABION_TCP_FIN 0x01u
#define GABION_TCP_SYN 0x02u
#define GABION_TCP_RST 0x04u
#define GABION_TCP_ACK 0x10u

#define GABION_ICMP_ECHO_REPLY	      0
#define GABION_ICMP_ECHO_REQUEST      8
#define GABION_ICMPV6_ECHO_REQUEST    128
#define GABION_ICMPV6_ECHO_REPLY      129
#define GABION_ICMPV6_NEIGHBOUR_FIRST 133 /* router solicitation (RFC 4861) ... */
#define GABION_ICMPV6_NEIGHBOUR_LAST  137 /* ... to redirect */

/* Where the parser stands. `left` is what the innermost header read so far still has behind it. */
struct gabion_cursor {
	const __u8 *at;
	const __u8 *end; /* nothing from here on may be read */
	__u32 left;
	__u32 offset; /* of `at` from the start of the frame */
};

/* The next `bytes` of the packet, or NULL when it has less; the cursor then stands behind them. At most 2,048 a step. */
GABION_INLINE const __u8 *gabion_take(struct gabion_cursor *cursor, __u32 bytes)
{
	const __u8 *at = cursor->at;

	if (!__builtin_constant_p(bytes)) {
		__asm__(""
			: "+r"(bytes)); /* or the compiler, knowing the bound, leaves out what shows it to the verifier */
		bytes &= 0xfff;
	}
	if (bytes > cursor->left || at + bytes > cursor->end)
		return GABION_NULL;
	cursor->at = at + bytes;
	cursor->left -= bytes;
	cursor->offset += bytes;
	return at;
}

struct gabion_wire_tcp {
	__u16 source_port;
	__u16 destination_port;
	__u32 sequence;
	__u32 acknowledgment;
	__u8 words;
	__u8 flags;
	__u16 window;
	__u16 checksum;
	__u16 urgent;
} GABION_WIRE;

struct gabion_wire_udp {
	__u16 source_port;
	__u16 destination_port;
	__u16 length;
	__u16 checksum;
} GABION_WIRE;

struct gabion_wire_icmp {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__u16 identifier;
	__u16 sequence;
} GABION_WIRE;

GABION_INLINE __u16 gabion_at_most_16_bits(__u32 value)
{
	return GABION_CAST(__u16, value > 0xffff ? 0xffff : value);
}

/* The combinations of FIN, SYN, RST and ACK that a working TCP sends, as bits: SYN, RST, ACK, FIN+ACK, SYN+ACK, RST+ACK. */
#define GABION_TCP_CONTROL (GABION_TCP_FIN | GABION_TCP_SYN | GABION_TCP_RST | GABION_TCP_ACK)
#define GABION_TCP_USUAL                                                                                               \
	(1u << GABION_TCP_SYN | 1u << GABION_TCP_RST | 1u << GABION_TCP_ACK |                                          \
	 1u << (GABION_TCP_FIN | GABION_TCP_ACK) | 1u << (GABION_TCP_SYN | GABION_TCP_ACK) |                           \
	 1u << (GABION_TCP_RST | GABION_TCP_ACK))

/* Flags that no working TCP sends together: legal to receive, and answered or ignored by Linux. */
GABION_INLINE int gabion_tcp_flags_odd(__u32 flags)
{
	return !(GABION_TCP_USUAL >> (flags & GABION_TCP_CONTROL) & 1);
}

/* Each of these returns whether the header is whole and sound. */
GABION_INLINE int gabion_parse_tcp(struct gabion_cursor *cursor, struct gabion_packet *packet, __u32 *flags)
{
	__u32 length = cursor->left, header;
	const struct gabion_wire_tcp *tcp;

	/* tcp_v4_rcv(), tcp_v6_rcv(): 20 bytes, doff not below 5, doff * 4 bytes */
	tcp = GABION_AT(struct gabion_wire_tcp, gabion_take(cursor, sizeof(*tcp)));
	if (!tcp)
		return 0;
	header = (tcp->words >> 4) * 4u;
	if (header < sizeof(*tcp) || header > length)
		return 0;
	packet->source_port = GABION_SWAP16(tcp->source_port);
	packet->destination_port = GABION_SWAP16(tcp->destination_port);
	packet->tcp_flags = tcp->flags & 0x3f;
	packet->sequence = GABION_SWAP32(tcp->sequence);
	packet->acknowledgment = GABION_SWAP32(tcp->acknowledgment);
	packet->payload_length = gabion_at_most_16_bits(length - header);
	if (gabion_tcp_flags_odd(tcp->flags))
		*flags |= GABION_PACKET_ODD;
	return 1;
}

GABION_INLINE int gabion_parse_udp(struct gabion_cursor *cursor, struct gabion_packet *packet, __u32 *flags)
{
	__u32 in_packet = cursor->left, length;
	const struct gabion_wire_udp *udp;

	/* __udp4_lib_rcv(), __udp6_lib_rcv(): 8 bytes, a length of at least 8 that does not exceed the packet */
	udp = GABION_AT(struct gabion_wire_udp, gabion_take(cursor, sizeof(*udp)));
	if (!udp)
		return 0;
	length = GABION_SWAP16(udp->length);
	if (!length && packet->ip_version == 6)
		length = in_packet; /* a jumbogram, as far as __udp6_lib_rcv() is concerned */
	/* the first fragment tells the length of the whole datagram */
	if (length < sizeof(*udp) || (length > in_packet && !(*flags & GABION_PACKET_FRAGMENT)))
		return 0;
	packet->source_port = GABION_SWAP16(udp->source_port);
	packet->destination_port = GABION_SWAP16(udp->destination_port);
	packet->payload_length =
		gabion_at_most_16_bits((length < in_packet ? length : in_packet) - GABION_CAST(__u32, sizeof(*udp)));
	if (length < in_packet && !(*flags & GABION_PACKET_FRAGMENT))
		*flags |= GABION_PACKET_ODD;
	return 1;
}

GABION_INLINE int gabion_parse_icmp(struct gabion_cursor *cursor, struct gabion_packet *packet)
{
	const struct gabion_wire_icmp *icmp;
	__u32 echo;

	/* icmp_rcv(), icmpv6_rcv(): 8 bytes */
	icmp = GABION_AT(struct gabion_wire_icmp, gabion_take(cursor, sizeof(*icmp)));
	if (!icmp)
		return 0;
	packet->icmp_type = icmp->type;
	packet->icmp_code = icmp->code;
	packet->payload_length = gabion_at_most_16_bits(cursor->left);
	echo = packet->protocol == GABION_PROTOCOL_ICMP
		       ? icmp->type == GABION_ICMP_ECHO_REQUEST || icmp->type == GABION_ICMP_ECHO_REPLY
		       : icmp->type == GABION_ICMPV6_ECHO_REQUEST || icmp->type == GABION_ICMPV6_ECHO_REPLY;
	if (echo) {
		packet->source_port = GABION_SWAP16(icmp->identifier);
		packet->destination_port = packet->source_port;
	}
	return 1;
}

/* Off-link senders cannot make a packet arrive with hop limit 255 (RFC 5082), and Linux drops neighbour discovery without it. */
GABION_INLINE int gabion_is_neighbour(const struct gabion_packet *packet, __u32 flags)
{
	return packet->ttl == 255 && !(flags & GABION_PACKET_FRAGMENT) &&
	       packet->icmp_type >= GABION_ICMPV6_NEIGHBOUR_FIRST && packet->icmp_type <= GABION_ICMPV6_NEIGHBOUR_LAST;
}

/*
 * An L4 header that is cut short is the packet's fault when the packet is whole; in the first of several fragments the rest may
 * follow, which Linux accepts: odd, not malformed. Protocols that are not ours to read have no L4 fields.
 */
GABION_INLINE __u32 gabion_parse_l4(struct gabion_cursor *cursor, struct gabion_packet *packet, __u32 flags)
{
	__u32 reason = GABION_REASON_NONE;
	int sound;

	packet->l4_offset = GABION_CAST(__u16, cursor->offset);
	if (flags & GABION_PACKET_LATER_FRAGMENT) {
		packet->payload_length = gabion_at_most_16_bits(cursor->left);
		packet->flags = GABION_CAST(__u16, flags);
		return GABION_REASON_NONE;
	}
	if (packet->protocol == GABION_PROTOCOL_TCP) {
		sound = gabion_parse_tcp(cursor, packet, &flags);
		reason = GABION_REASON_MALFORMED_TCP;
	} else if (packet->protocol == GABION_PROTOCOL_UDP) {
		sound = gabion_parse_udp(cursor, packet, &flags);
		reason = GABION_REASON_MALFORMED_UDP;
	} else if (packet->protocol == (packet->ip_version == 4 ? GABION_PROTOCOL_ICMP : GABION_PROTOCOL_ICMPV6)) {
		sound = gabion_parse_icmp(cursor, packet);
		reason = GABION_REASON_MALFORMED_ICMP;
	} else {
		packet->payload_length = gabion_at_most_16_bits(cursor->left);
		packet->flags = GABION_CAST(__u16, flags);
		return GABION_REASON_NONE;
	}
	if (sound) {
		flags |= GABION_PACKET_L4;
		reason = GABION_REASON_NONE;
		if (packet->protocol == GABION_PROTOCOL_ICMPV6 && gabion_is_neighbour(packet, flags)) {
			flags |= GABION_PACKET_NEIGHBOUR;
			reason = GABION_REASON_NEIGHBOUR;
		}
	} else if (flags & GABION_PACKET_FRAGMENT) {
		flags |= GABION_PACKET_ODD;
		reason = GABION_REASON_NONE;
	}
	packet->flags = GABION_CAST(__u16, flags);
	return reason;
}

#endif
