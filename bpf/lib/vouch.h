/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a packet that the host sends tells about its flow: whether the host asked first, answered, or holds the connection as
 * established. Handshakes are judged by the host's own TCP, which crafted packets cannot talk into anything.
 */
#ifndef GABION_LIB_VOUCH_H
#define GABION_LIB_VOUCH_H

#include "../abi/flow.h"
#include "flow.h"
#include "parse_l4.h"

/* Packets that may come in for each one that goes out, and how many of them add up. */
#define GABION_GRANTS_SYN     64 /* until the connection is established */
#define GABION_GRANTS_ANSWER  4	 /* the handshake's last packet, its repeats, a first request */
#define GABION_GRANTS_REQUEST 16 /* fragments and streams of small answers included */
#define GABION_GRANTS_ECHO    4

/* What is known of the socket that sent a packet. */
struct gabion_sender {
	__u32 connected;   /* it has a peer */
	__u32 established; /* TCP: the handshake is complete */
	__u32 open;	   /* TCP: a connection that is not closed, whatever its state */
};

GABION_INLINE struct gabion_vouch gabion_vouch_make(__u32 kind, __u32 grants, __u32 grants_max)
{
	struct gabion_vouch vouch = {kind, grants, grants_max};

	return vouch;
}

GABION_INLINE struct gabion_vouch gabion_vouch_tcp(__u32 flags, const struct gabion_sender *sender)
{
	if (flags & GABION_TCP_RST) /* a reset may answer anything */
		return gabion_vouch_make(GABION_FLOW_NONE, 0, 0);
	if (sender->established)
		return gabion_vouch_make(GABION_FLOW_ESTABLISHED, 0, 0);
	if (flags & GABION_TCP_SYN && flags & GABION_TCP_ACK)
		return gabion_vouch_make(GABION_FLOW_ANSWERED, GABION_GRANTS_ANSWER, GABION_GRANTS_ANSWER);
	if (flags & GABION_TCP_SYN)
		return gabion_vouch_make(GABION_FLOW_OWN, GABION_GRANTS_SYN, GABION_GRANTS_SYN);
	if (sender->open) /* connecting or closing: what is noted of it holds on */
		return gabion_vouch_make(GABION_FLOW_NONE, GABION_GRANTS_SYN, GABION_GRANTS_SYN);
	return gabion_vouch_make(GABION_FLOW_NONE, 0, 0);
}

/* Kind NONE: nothing new; with grants, what is noted already is refreshed. Ports `low` to `high` are those of queries. */
GABION_INLINE struct gabion_vouch gabion_vouch_for(const struct gabion_packet *packet,
						   const struct gabion_sender *sender, __u32 low, __u32 high)
{
	if (packet->protocol == GABION_PROTOCOL_TCP)
		return gabion_vouch_tcp(packet->tcp_flags, sender);
	if (packet->protocol == GABION_PROTOCOL_UDP) {
		if (sender->connected || (packet->source_port >= low && packet->source_port <= high))
			return gabion_vouch_make(GABION_FLOW_OWN, GABION_GRANTS_REQUEST, 16 * GABION_GRANTS_REQUEST);
	} else if (packet->icmp_type ==
		   (packet->ip_version == 4 ? GABION_ICMP_ECHO_REQUEST : GABION_ICMPV6_ECHO_REQUEST)) {
		return gabion_vouch_make(GABION_FLOW_OWN, GABION_GRANTS_ECHO, 4 * GABION_GRANTS_ECHO);
	}
	return gabion_vouch_make(GABION_FLOW_NONE, 0, 0);
}

#endif
