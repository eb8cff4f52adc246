/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections: while a flood of TCP segments is on, segments that belong to no connection are dropped. A flow that the host vouches for
 * passes with one look-up. Of the others the host's own TCP is asked, and what it holds is noted anew: a connection that was idle for an
 * hour, whose note was recycled, or that existed before Gabion did is not lost. SYNs are no business of this stage.
 *
 * Only while the class TCP is under flood: a flood of another kind is no reason to doubt a connection.
 *
 * An address proves nothing: neither a known source nor one whose rates the allow list skips may send blind segments to this host, whose
 * TCP knows better. Connections of which the host holds no socket (containers, address translation, other namespaces) are noted as they
 * leave (bpf/lib/vouch.h); where the host forwards and such a note is missing, known sources and allowed ones are believed, but for
 * resets and SYN-ACKs, without which a connection lives. What remains: forwarded connections of unknown sources that were silent
 * outwards for longer than a note lasts are cut off while the flood is on, and blind ACKs under known addresses pass where a host forwards.
 * An allow-list entry that skips validation is spared altogether, as its owner asked. So is what brings back a SYN cookie of ours.
 */
#ifndef GABION_STAGE_CONNECTION_H
#define GABION_STAGE_CONNECTION_H

#include "../abi/reason.h"
#include "../lib/arrival.h"
#include "../lib/cookie_check.h"
#include "../lib/flood.h"
#include "../lib/known.h"
#include "../lib/proven.h"
#include "../lib/socket.h"
#include "../lib/vouched.h"

/*
 * The host's TCP holds the connection: its peer completed the handshake, whoever sent this packet; or may have guessed a listener's
 * cookie, while such are out.
 */
GABION_INLINE void gabion_connection_renew(const struct gabion_packet *packet, const struct gabion_tables *tables,
					   struct gabion_arrival *arrival)
{
	const struct gabion_control *control = tables->control;
	const struct gabion_flow_key key = gabion_flow_in(packet, &control->hash);
	const int guessed = gabion_listener_cookies_out(&control->syn, arrival->now);
	const struct gabion_vouch vouch = {
		GABION_CAST(__u32, guessed ? GABION_FLOW_COOKIE : GABION_FLOW_ESTABLISHED), 0, 0, 0, 0, 0, 0};
	struct gabion_flow_bucket *bucket =
		gabion_at(GABION_TABLE(tables, flows), key.bucket & GABION_SETTINGS(tables).flow_mask);

	if (bucket)
		gabion_flow_note(bucket, key.tag, &vouch, arrival->now, gabion_read32(&control->flow_idle_ticks), 1);
	if (!guessed)
		gabion_prove(tables, arrival->hash, arrival->now);
	arrival->vouched = GABION_BELIEF_YES;
}

/* Not of a connection that is held, but still what this host's TCP waits for, or must see to answer. */
GABION_INLINE int gabion_connection_expected(__u32 socket, const struct gabion_packet *packet,
					     const struct gabion_arrival *arrival)
{
	if (socket == GABION_SOCKET_REQUEST) /* its note is gone, and its number with it: the TCP judges */
		return arrival->vouched != GABION_BELIEF_WRONG;
	if (socket == GABION_SOCKET_ASKS)
		return (packet->tcp_flags & (GABION_TCP_SYN | GABION_TCP_RST)) != 0;
	return socket == GABION_SOCKET_COOKIE || socket == GABION_SOCKET_ENDED;
}

GABION_INLINE __u32 gabion_connection_unknown(const struct gabion_packet *packet, const struct gabion_tables *tables,
					      const struct gabion_arrival *arrival)
{
	if (packet->tcp_flags & GABION_TCP_RST)
		return GABION_REASON_RST_UNKNOWN;
	if (packet->tcp_flags & GABION_TCP_SYN)
		return GABION_REASON_SYNACK_UNASKED;
	if ((gabion_has(tables, GABION_FEATURE_INLINE) || gabion_read32(&tables->control->connections.forwards)) &&
	    (arrival->allowed & GABION_SKIP_RATES || gabion_known(tables, arrival->hash)))
		return GABION_REASON_NONE;
	return GABION_REASON_ACK_UNKNOWN;
}

/* A segment that no flow vouches for. */
GABION_OUTLINE __u32 gabion_connection_look(GABION_OUTLINE_TABLES GABION_FRAME *frame,
					    const struct gabion_packet *packet, struct gabion_arrival *arrival)
{
	__u32 socket;

	GABION_OUTLINE_FIND_TABLES();
	if (!packet || !arrival)
		return GABION_REASON_NONE;
	socket = GABION_ASK_SOCKET(frame, tables, packet);
	if (socket == GABION_SOCKET_HELD) {
		gabion_connection_renew(packet, tables, arrival);
		return GABION_REASON_NONE;
	}
	if (gabion_connection_expected(socket, packet, arrival))
		return GABION_REASON_NONE;
	return gabion_connection_unknown(packet, tables, arrival);
}

GABION_INLINE __u32 gabion_stage_connection(GABION_FRAME *frame, const struct gabion_packet *packet,
					    const struct gabion_tables *tables, struct gabion_arrival *arrival)
{
	__u32 reason;

	if (GABION_LIKELY(!gabion_flood_of(tables->control, GABION_FLOOD_TCP, arrival->now)))
		return GABION_REASON_NONE;
	if (packet->protocol != GABION_PROTOCOL_TCP || !(packet->flags & GABION_PACKET_L4) ||
	    gabion_flood_class_of(packet) == GABION_FLOOD_SYN || arrival->allowed & GABION_SKIP_VALIDATION)
		return GABION_REASON_NONE;
	if (GABION_LIKELY(gabion_vouched(packet, tables, arrival)))
		return GABION_REASON_NONE;
	reason = gabion_connection_look(GABION_GIVE_TABLES(tables) frame, packet, arrival);
	if (reason == GABION_REASON_ACK_UNKNOWN && gabion_has(tables, GABION_FEATURE_SYN) &&
	    gabion_cookie_valid(GABION_GIVE_TABLES(tables) packet, arrival->now))
		return GABION_REASON_NONE;
	return reason;
}

#endif
