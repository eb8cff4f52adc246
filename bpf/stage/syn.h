/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SYN floods (bpf/abi/syn.h). SYNs are counted for each destination; one that gets too many is engaged: its SYNs are answered in place
 * with cookies, no more than so many to a source prefix, and only for listeners that will believe them. What cannot be answered
 * goes on to the stack under a cap. What acknowledges a cookie is taken at tc ingress (bpf/syn.bpf.c).
 */
#ifndef GABION_STAGE_SYN_H
#define GABION_STAGE_SYN_H

#include "../abi/reason.h"
#include "../lib/arrival.h"
#include "../lib/bucket.h"
#include "../lib/cookie.h"
#include "../lib/flood.h"
#include "../lib/local.h"
#include "../lib/peek.h"
#include "../lib/socket.h"
#include "syn_cap.h"

/* While a flood of SYNs is on, a destination is engaged at a sixteenth of the rate: one spread over many ports is met as well. */
#define GABION_SYN_TOLD_SHARE 16

/* Beside the reasons: nobody here can be asked for an answer. */
#define GABION_SYN_NOBODY GABION_REASON_COUNT

/* A source's /24 or /48. */
GABION_INLINE __u64 gabion_syn_prefix_hash(const struct gabion_packet *packet, const struct gabion_hash_key *key)
{
	if (packet->ip_version == 4)
		return gabion_hash4(key, packet->source.word[0] & GABION_SWAP32(0xffffff00u));
	return gabion_hash_narrow6(key, packet->source.word);
}

GABION_INLINE void gabion_syn_engage(struct gabion_syn_cell *cell, const struct gabion_packet *packet,
				     struct gabion_control *control, __u32 now)
{
	__u32 until = now + control->syn.hold_ticks, before = gabion_read32(&cell->until);

	until += !until; /* 0 is none */
	if (before == until)
		return;
	if (!gabion_flood_lasts(before, now)) {
		__builtin_memcpy(cell->address, packet->destination.word, sizeof(cell->address));
		cell->port = packet->destination_port;
		cell->version = packet->ip_version;
	}
	cell->until = until;
}

/* Counts a SYN; whether its destination is engaged. */
GABION_INLINE int gabion_syn_engaged(struct gabion_syn_cell *cell, const struct gabion_packet *packet,
				     struct gabion_control *control, __u32 now)
{
	__u32 interval = gabion_read32(&control->syn.engage_interval);

	if (!interval)
		return 0;
	if (gabion_flood_of(control, GABION_FLOOD_SYN, now))
		interval *= GABION_SYN_TOLD_SHARE;
	if (!gabion_gcra(&cell->schedule, interval, gabion_read32(&control->syn.engage_burst), now))
		gabion_syn_engage(cell, packet, control, now);
	return gabion_flood_lasts(gabion_read32(&cell->until), now);
}

/* Addresses that nobody can be answered at. */
GABION_INLINE int gabion_syn_source_sane(const struct gabion_packet *packet)
{
	const struct gabion_address *source = &packet->source, *destination = &packet->destination;
	__u32 first = GABION_SWAP32(source->word[0]) >> 24;

	if (source->word[0] == destination->word[0] && source->word[1] == destination->word[1] &&
	    source->word[2] == destination->word[2] && source->word[3] == destination->word[3])
		return 0;
	if (packet->ip_version == 4)
		return first != 0 && first != 127 && first < 224;
	/* global and unique local addresses: neither groups, nor a link's own, nor ::/8 with what is mapped or unspecified */
	return first >> 5 == 1 || first >> 1 == 0x7e;
}

/* Whole, of the plainest form: what else there is the stack may answer. */
GABION_INLINE int gabion_syn_plain(const struct gabion_packet *packet)
{
	const int ip_bytes = packet->ip_version == 4 ? 20 : 40;

	return packet->vlan_tags < 2 && !(packet->flags & (GABION_PACKET_IP_OPTIONS | GABION_PACKET_FRAGMENT)) &&
	       packet->l4_offset - packet->l3_offset == ip_bytes && gabion_syn_source_sane(packet);
}

/*
 * What an answer agrees to, of what the SYN offered and of what we may `offer` (GABION_SYN_OFFER_*). Fills in all but the cookie; whether
 * one can tell it.
 */
GABION_INLINE int gabion_syn_agree(const struct gabion_syn_control *syn, __u32 offer,
				   const struct gabion_packet *packet, const struct gabion_tcp_tail *tail,
				   struct gabion_syn_answer *answer)
{
	const struct gabion_tcp_options *offered = &tail->options;
	__u32 mss = offered->mss ? offered->mss : packet->ip_version == 4 ? 536 : 1220; /* RFC 9293, section 3.7.1 */
	__u32 index = gabion_cookie_mss_index(packet->ip_version, mss), saw = offered->saw;

	if (index > 3 || saw & GABION_TCP_SAW_SIGNATURE)
		return 0;
	answer->scale = GABION_TCP_NO_SCALE;
	if (offer & GABION_SYN_OFFER_SCALE)
		answer->scale = GABION_CAST(__u8, offered->scale);
	answer->sack = offer & GABION_SYN_OFFER_SACK && saw & GABION_TCP_SAW_SACK;
	answer->timestamps = offer & GABION_SYN_OFFER_TIMESTAMPS && saw & GABION_TCP_SAW_TIMESTAMPS;
	answer->ecn = answer->timestamps && offer & GABION_SYN_OFFER_ECN && (tail->flags & 0x1c0) == 0xc0;
	answer->echo = offered->value;
	answer->mss = 0;
	if (offered->mss)
		answer->mss = packet->ip_version == 4 ? syn->mss4 : syn->mss6;
	answer->our_scale = GABION_CAST(__u8, syn->window_scale);
	answer->data = GABION_CAST(__u8, index << GABION_COOKIE_MSS | (answer->scale & 15) << GABION_COOKIE_SCALE |
						 answer->sack * GABION_COOKIE_SACK |
						 answer->timestamps * GABION_COOKIE_TIMESTAMPS);
	return 1;
}

/* An answer to this prefix is within what it may get. */
GABION_INLINE int gabion_syn_may_answer(const struct gabion_packet *packet, const struct gabion_tables *tables,
					__u32 now)
{
	const struct gabion_syn_control *syn = &tables->control->syn;
	__u64 hash = gabion_syn_prefix_hash(packet, &tables->control->hash);
	__u64 *schedule = gabion_at(GABION_TABLE(tables, syn_sources),
				    gabion_hash_index(hash, GABION_SETTINGS(tables).syn_source_mask));

	return schedule && gabion_gcra(schedule, syn->answer_interval, syn->answer_burst, now);
}

/* With our own cookie. SYN_CAP: it cannot tell what is offered. */
GABION_OUTLINE __u32 gabion_syn_request(GABION_OUTLINE_TABLES const struct gabion_packet *packet,
					struct gabion_cpu *cpu, __u32 now)
{
	struct gabion_syn_control *syn;
	struct gabion_syn_answer *answer;

	GABION_OUTLINE_FIND_TABLES();
	if (!packet || !cpu)
		return GABION_REASON_SYN_CAP;
	answer = &cpu->answer;
	syn = &tables->control->syn;
	if (!gabion_syn_agree(syn, syn->offer, packet, gabion_tcp_tail_of(cpu), answer))
		return GABION_REASON_SYN_CAP;
	if (!gabion_syn_may_answer(packet, tables, now))
		return GABION_REASON_SYN_UNANSWERED;
	answer->cookie = gabion_cookie_make(syn, packet, answer->data, now);
	answer->timestamp = gabion_cookie_timestamp(syn, now, GABION_SETTINGS(tables).hz, answer->ecn);
	return GABION_REASON_SYN_ANSWERED;
}

/* Answers of the last tick are known to be out; a CPU that loses the race writes the same. */
GABION_INLINE void gabion_syn_note_answer(__u32 *answered, __u32 now)
{
	now += !now;
	if (gabion_read32(answered) != now)
		*answered = now;
}

/* In a function of its own, since the kernel counts its part of the stack only while it runs. */
GABION_OUTLINE __u32 gabion_syn_socket(GABION_OUTLINE_TABLES GABION_FRAME *frame, const struct gabion_packet *packet)
{
	GABION_OUTLINE_FIND_TABLES();
	(void)tables;
	if (!packet)
		return GABION_SOCKET_NONE;
	return GABION_ASK_SOCKET(frame, tables, packet);
}

/* Likewise. */
GABION_OUTLINE __s64 gabion_syn_cookie(GABION_OUTLINE_TABLES GABION_FRAME *frame, const struct gabion_packet *packet,
				       __u32 mss)
{
	GABION_OUTLINE_FIND_TABLES();
	if (!packet || !gabion_has(tables, GABION_FEATURE_ASK_COOKIE))
		return GABION_COOKIE_NOBODY;
	return GABION_ASK_COOKIE(frame, tables, packet, mss & 0xffff);
}

/*
 * With a cookie of the listener, which tells the MSS alone; nothing else is agreed to. NONE: he makes no cookie, and nobody sees to it that he
 * does. He makes one when his queue is full: what passes until then, he has room for.
 */
GABION_INLINE __u32 gabion_syn_meet_listener(GABION_FRAME *frame, const struct gabion_packet *packet,
					     const struct gabion_tables *tables, struct gabion_cpu *cpu, __u32 now)
{
	struct gabion_syn_control *syn = &tables->control->syn;
	const struct gabion_tcp_tail *tail = gabion_tcp_tail_of(cpu);
	__s64 cookie;

	if (!gabion_destination_local(frame, packet))
		return GABION_SYN_NOBODY;
	if (!gabion_tcp_tail_read(frame, packet, cpu) || !gabion_syn_agree(syn, 0, packet, tail, &cpu->answer))
		return GABION_REASON_SYN_CAP;
	cookie = gabion_syn_cookie(GABION_GIVE_TABLES(tables) frame, packet, tail->options.mss);
	if (cookie == GABION_COOKIE_REFUSED && !gabion_flood_lasts(gabion_read32(&syn->attended), now))
		return GABION_REASON_NONE;
	if (cookie < 0)
		return cookie == GABION_COOKIE_NOBODY ? GABION_SYN_NOBODY : GABION_REASON_SYN_CAP;
	gabion_syn_note_answer(&syn->listener_answered, now);
	if (!gabion_syn_may_answer(packet, tables, now))
		return GABION_REASON_SYN_UNANSWERED;
	cpu->answer.cookie = GABION_CAST(__u32, cookie);
	return GABION_REASON_SYN_ANSWERED;
}

/*
 * SYN_CAP: no cookie for it. Of a port that is used again, too, only the stack knows whether the old connection is over; nor may SYNs for
 * one that is under way pass as they come.
 */
GABION_INLINE __u32 gabion_syn_meet(GABION_FRAME *frame, const struct gabion_packet *packet,
				    const struct gabion_tables *tables, struct gabion_cpu *cpu,
				    const struct gabion_arrival *arrival, const struct gabion_syn_cell *cell)
{
	struct gabion_syn_control *syn = &tables->control->syn;
	__u32 way = syn->way, reason = GABION_REASON_SYN_CAP, socket;

	if (gabion_has(tables, GABION_FEATURE_INLINE))
		return GABION_SYN_NOBODY;
	if (way == GABION_SYN_CAP || !gabion_syn_plain(packet) || !gabion_link_unicast(frame))
		return GABION_REASON_SYN_CAP;
	if (way == GABION_SYN_LISTENER)
		return gabion_syn_meet_listener(frame, packet, tables, cpu, arrival->now);
	if (gabion_flood_lasts(gabion_read32(&cell->refused), arrival->now))
		return GABION_REASON_SYN_CAP;
	socket = gabion_syn_socket(GABION_GIVE_TABLES(tables) frame, packet);
	if (socket == GABION_SOCKET_NONE || !gabion_destination_local(frame, packet))
		return GABION_SYN_NOBODY;
	if (socket != GABION_SOCKET_LISTENS)
		return GABION_REASON_SYN_CAP;
	if (gabion_tcp_tail_read(frame, packet, cpu))
		reason = gabion_syn_request(GABION_GIVE_TABLES(tables) packet, cpu, arrival->now);
	if (reason == GABION_REASON_SYN_ANSWERED)
		gabion_syn_note_answer(&syn->answered, arrival->now);
	return reason;
}

GABION_OUTLINE __u32 gabion_syn_open(GABION_OUTLINE_TABLES GABION_FRAME *frame, const struct gabion_packet *packet,
				     struct gabion_cpu *cpu, struct gabion_arrival *arrival)
{
	struct gabion_syn_cell *cell;
	__u32 reason;

	GABION_OUTLINE_FIND_TABLES();
	if (!packet || !cpu || !arrival)
		return GABION_REASON_NONE;
	cell = gabion_at(GABION_TABLE(tables, syn_cells),
			 gabion_hash_index(gabion_syn_destination_hash(packet, &tables->control->hash),
					   GABION_SETTINGS(tables).syn_cell_mask));
	if (!cell || !gabion_syn_engaged(cell, packet, tables->control, arrival->now))
		return GABION_REASON_NONE;
	reason = gabion_syn_meet(frame, packet, tables, cpu, arrival, cell);
	if (reason == GABION_SYN_NOBODY && !gabion_syn_capped(&tables->control->syn, cell, arrival->now))
		return GABION_REASON_NONE;
	return reason == GABION_SYN_NOBODY || reason == GABION_REASON_SYN_CAP
		       ? gabion_syn_pass(packet, tables, arrival, cell)
		       : reason;
}

GABION_INLINE __u32 gabion_stage_syn(GABION_FRAME *frame, const struct gabion_packet *packet,
				     const struct gabion_tables *tables, struct gabion_cpu *cpu,
				     struct gabion_arrival *arrival)
{
	(void)tables;
	if (packet->protocol != GABION_PROTOCOL_TCP || !(packet->flags & GABION_PACKET_L4) ||
	    (packet->tcp_flags & GABION_TCP_CONTROL) != GABION_TCP_SYN || arrival->allowed & GABION_SKIP_RATES)
		return GABION_REASON_NONE;
	return gabion_syn_open(GABION_GIVE_TABLES(tables) frame, packet, cpu, arrival);
}

#endif
