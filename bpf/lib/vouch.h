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
#define GABION_GRANTS_REQUEST 16 /* fragments and streams of small answers included */
#define GABION_GRANTS_ECHO    4

/*
 * UDP to a port of the amplifiers' table (bpf/abi/amplifier.h), whatever socket it comes from: answers from there are dropped unless they
 * are noted here. From a port that serves others too (below 1024, or of the table) it may itself be an answer, to a request that somebody
 * forged: 123 to 123, 500 to 500. Four may then come in, which an exchange of IKE's with its fragments needs (RFC 7383), for each
 * one that leaves: whoever forges requests buys four packets with each, where an amplifier gives a hundred, and our server must answer
 * it. 64 add up: as many questions of a resolver that asks from port 53 may be under way. Such a note gives way to those of questions
 * that are surely the host's own (GABION_FLOW_SERVICE), so that forged requests wash out nothing.
 */
#define GABION_GRANTS_SERVICE	  4
#define GABION_GRANTS_SERVICE_MAX 64
#define GABION_SERVICE_PORTS	  1024u

/* What the table says of the ports of a packet that leaves. */
#define GABION_ASKS_AMPLIFIER 1u /* its destination port is there */
#define GABION_FROM_AMPLIFIER 2u /* its source port is */

#define GABION_FORWARDED   1u /* it came in by another interface */
#define GABION_FROM_INSIDE 2u /* by the inside port of an inline pair, behind which are the TCPs that are protected */

/* What is known of the socket that sent a packet. */
struct gabion_sender {
	__u32 connected;   /* it has a peer */
	__u32 established; /* TCP: the handshake is complete, and neither end has closed */
	__u32 open;	   /* TCP: a connection that is not closed, whatever its state */
	__u32 forwarded;   /* no socket: GABION_FORWARDED, GABION_FROM_INSIDE */
};

GABION_INLINE struct gabion_vouch gabion_vouch_make(__u32 kind, __u32 grants, __u32 grants_max)
{
	struct gabion_vouch vouch = {kind, grants, grants_max, 0, 0, 0, 0};

	return vouch;
}

GABION_INLINE struct gabion_vouch gabion_vouch_request(void)
{
	return gabion_vouch_make(GABION_FLOW_OWN, GABION_GRANTS_REQUEST, 16 * GABION_GRANTS_REQUEST);
}

/*
 * Which segments a stranger's blind packets can make a TCP send: resets from anywhere, SYN-ACKs from a listener, bare ACKs of a
 * SYN received (a packet outside its window: RFC 9293, 3.10.7.4), of a connection that exists (RFC 5961) and of one that ended
 * (TIME_WAIT). None of them comes from a socket in the state ESTABLISHED that did not get there by the right number. Those for a SYN
 * received and TIME_WAIT come from no full socket; this host's own then count for nothing, and those of a TCP behind it, which has no
 * socket here, only when they go beyond the handshake (gabion_flow_went_on): data, or numbers that moved. Behind the inside port of an inline
 * pair such a segment says as much as a socket does: the TCP that sent it holds the connection as established.
 */
GABION_INLINE struct gabion_vouch gabion_vouch_tcp(const struct gabion_packet *packet,
						   const struct gabion_sender *sender)
{
	struct gabion_vouch vouch = gabion_vouch_make(GABION_FLOW_NONE, 0, 0);
	__u32 flags = packet->tcp_flags;

	vouch.number = packet->sequence;
	vouch.acknowledgment = packet->acknowledgment;
	if (flags & GABION_TCP_RST) { /* which a TCP that goes on with the connection does not send */
		vouch.ends = 1;
	} else if (sender->established) {
		vouch.kind = GABION_FLOW_ESTABLISHED;
	} else if (flags & GABION_TCP_SYN) {
		vouch.kind = flags & GABION_TCP_ACK ? GABION_FLOW_ANSWERED : GABION_FLOW_ASKED;
		vouch.number = packet->sequence + 1;
	} else if (sender->open) { /* connecting or closing: what is noted of it holds on */
		vouch.grants = 1;
	} else if (sender->forwarded) {
		vouch.kind = sender->forwarded == GABION_FROM_INSIDE ? GABION_FLOW_ESTABLISHED : GABION_FLOW_COMPLETE;
		vouch.doubtful = !packet->payload_length;
	}
	return vouch;
}

/*
 * A bare ACK from inside says that a connection is established only where something is known of it, and it goes beyond that: the first one of
 * who asked, numbers that moved of who answered, or of a connection that was taken for complete. Blind segments move none. Else it vouches
 * and proves nothing.
 */
GABION_INLINE void gabion_vouch_settle(struct gabion_vouch *vouch, const struct gabion_flow_bucket *bucket, __u32 tag,
				       __u32 now, __u32 idle_ticks)
{
	__u32 i, shown = 0;

	if (!vouch->doubtful || vouch->kind != GABION_FLOW_ESTABLISHED)
		return;
	GABION_UNROLL
	for (i = 0; i < GABION_FLOWS_PER_BUCKET; i++) {
		const struct gabion_flow *flow = &bucket->flow[i];

		if (flow->tag == tag && gabion_flow_alive(flow, now, idle_ticks))
			shown = (flow->kind != GABION_FLOW_ANSWERED && flow->kind != GABION_FLOW_COMPLETE) ||
				flow->number != vouch->number ||
				flow->answered != GABION_CAST(__u16, vouch->acknowledgment);
	}
	if (!shown)
		vouch->kind = GABION_FLOW_COMPLETE;
}

/* Whether UDP from that port, to no amplifier, asks something: the ports of queries are `low` to `high`. */
GABION_INLINE int gabion_vouch_asks(__u32 source_port, __u32 low, __u32 high)
{
	return source_port >= low && source_port <= high;
}

/*
 * Kind NONE: nothing new; with grants, what is noted already is refreshed, or ends. Ports `low` to `high` are those of queries; `ports`:
 * GABION_ASKS_*.
 */
GABION_INLINE struct gabion_vouch gabion_vouch_for(const struct gabion_packet *packet,
						   const struct gabion_sender *sender, __u32 low, __u32 high,
						   __u32 ports)
{
	if (packet->protocol == GABION_PROTOCOL_TCP)
		return gabion_vouch_tcp(packet, sender);
	if (packet->protocol == GABION_PROTOCOL_UDP) {
		if (sender->connected)
			return gabion_vouch_request();
		if (ports & GABION_ASKS_AMPLIFIER &&
		    (ports & GABION_FROM_AMPLIFIER || packet->source_port < GABION_SERVICE_PORTS))
			return gabion_vouch_make(GABION_FLOW_SERVICE, GABION_GRANTS_SERVICE, GABION_GRANTS_SERVICE_MAX);
		if (ports & GABION_ASKS_AMPLIFIER || gabion_vouch_asks(packet->source_port, low, high))
			return gabion_vouch_request();
	} else if (packet->icmp_type ==
		   (packet->ip_version == 4 ? GABION_ICMP_ECHO_REQUEST : GABION_ICMPV6_ECHO_REQUEST)) {
		return gabion_vouch_make(GABION_FLOW_OWN, GABION_GRANTS_ECHO, 4 * GABION_GRANTS_ECHO);
	}
	return gabion_vouch_make(GABION_FLOW_NONE, 0, 0);
}

#endif
