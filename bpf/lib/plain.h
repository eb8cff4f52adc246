/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Plain packets: whole TCP and UDP packets without IP options or extension headers, sound and with nothing odd about them, as nearly
 * all are. What is plain the parser would find neither malformed nor odd; what is not may still be, and is parsed.
 */
#ifndef GABION_LIB_PLAIN_H
#define GABION_LIB_PLAIN_H

#include "../abi/flood.h"
#include "parse_ip.h"

/* What a plain packet is; 0: it is none. The others are 1 + its class (bpf/abi/flood.h). */
#define GABION_PLAIN_TCP  (1 + GABION_FLOOD_TCP)
#define GABION_PLAIN_TURN (1 + GABION_FLOOD_SYN) /* a TCP packet that opens or ends a connection */
#define GABION_PLAIN_UDP  (1 + GABION_FLOOD_UDP)

/* `at`: the L4 header; `length`: of all that is behind the IP header. */
GABION_INLINE __u32 gabion_plain_l4(const __u8 *at, const __u8 *end, __u32 protocol, __u32 length)
{
	const struct gabion_wire_tcp *tcp = GABION_AT(struct gabion_wire_tcp, at);
	const struct gabion_wire_udp *udp = GABION_AT(struct gabion_wire_udp, at);

	if (protocol == GABION_PROTOCOL_TCP) {
		if (at + sizeof(*tcp) > end || tcp->words < 0x50 || (tcp->words >> 4) * 4u > length ||
		    gabion_tcp_flags_odd(tcp->flags) || !tcp->source_port || !tcp->destination_port)
			return 0;
		return tcp->flags & (GABION_TCP_FIN | GABION_TCP_SYN | GABION_TCP_RST) ? GABION_PLAIN_TURN
										       : GABION_PLAIN_TCP;
	}
	return protocol == GABION_PROTOCOL_UDP && length >= sizeof(*udp) && at + sizeof(*udp) <= end &&
			       GABION_SWAP16(udp->length) == length && udp->destination_port
		       ? GABION_PLAIN_UDP
		       : 0;
}

/* These ask a header that is sound. */
GABION_INLINE __u32 gabion_plain4(const struct gabion_wire_ipv4 *ip, const __u8 *end)
{
	const __u16 fragment = GABION_SWAP16(GABION_IPV4_MORE_FRAGMENTS | GABION_IPV4_FRAGMENT_OFFSET);

	if (ip->version_and_words != 0x45 || ip->fragment & fragment)
		return 0;
	return gabion_plain_l4(GABION_AT(__u8, ip + 1), end, ip->protocol,
			       GABION_SWAP16(ip->length) - GABION_CAST(__u32, sizeof(*ip)));
}

GABION_INLINE __u32 gabion_plain6(const struct gabion_wire_ipv6 *ip, const __u8 *end)
{
	return gabion_plain_l4(GABION_AT(__u8, ip + 1), end, ip->next, GABION_SWAP16(ip->payload_length));
}

#endif
