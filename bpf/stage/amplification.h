/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Amplification: answers that nobody here asked for. A UDP packet from a port of the table that looks like an answer by one of the port's
 * rules is dropped, unless the host was seen asking (bpf/lib/vouch.h): that very server, or a group that it is in. What goes to a group
 * passes: routing, discovery. Clients of our own servers that use such a port ask and do not answer, which the rules tell apart.
 */
#ifndef GABION_STAGE_AMPLIFICATION_H
#define GABION_STAGE_AMPLIFICATION_H

#include "../abi/reason.h"
#include "../lib/parse.h"
#include "../lib/payload.h"
#include "../lib/ports.h"
#include "../lib/special.h"
#include "../lib/vouched.h"

enum gabion_amp_answer { GABION_AMP_NO, GABION_AMP_YES, GABION_AMP_ASK_NEXT };

GABION_OUTLINE __u32 gabion_amp_asks(GABION_OUTLINE_TABLES GABION_FRAME *frame, const struct gabion_packet *packet,
				     __u32 slot)
{
	const struct gabion_amp_rule *rule;
	struct gabion_payload payload;
	__u32 i, other, word;

	GABION_OUTLINE_FIND_TABLES();
	if (!packet)
		return GABION_AMP_NO;
	rule = gabion_at(GABION_TABLE(tables, amp_rules), slot & (GABION_AMP_RULES - 1));
	if (!rule)
		return GABION_AMP_NO;
	other = rule->more ? GABION_AMP_ASK_NEXT : GABION_AMP_NO;
	if (packet->payload_length < rule->shortest || packet->payload_length > rule->longest ||
	    (rule->spare_port && rule->spare_port == packet->destination_port))
		return other;
	payload = gabion_udp_payload(frame, packet);
	GABION_UNROLL
	for (i = 0; i < GABION_AMP_WORDS; i++) {
		if (i >= rule->words)
			break;
		if (!gabion_payload_word(&payload, rule->offset[i], &word) ||
		    (word & rule->word[i].mask) != rule->word[i].value)
			return other;
	}
	if (rule->nonzero && (!gabion_payload_word(&payload, rule->nonzero - 1u, &word) || !word))
		return other;
	return GABION_AMP_YES;
}

/* Whether it looks like an answer by any rule of its source port. */
GABION_INLINE int gabion_amp_answers(GABION_FRAME *frame, const struct gabion_packet *packet,
				     const struct gabion_tables *tables)
{
	__u32 port = packet->source_port, slot, i, answer = GABION_AMP_ASK_NEXT;
	const __u64 *slots = gabion_at(GABION_TABLE(tables, amp_index), port >> 3);

	slot = slots ? GABION_CAST(__u32, *slots >> (port & 7) * 8) & 0xff : 0;
	if (!slot)
		return 0;
	for (i = 0; i < GABION_AMP_PORT_MAX && answer == GABION_AMP_ASK_NEXT; i++)
		answer = gabion_amp_asks(GABION_GIVE_TABLES(tables) frame, packet, slot + i);
	return answer == GABION_AMP_YES;
}

/* Which datagram a fragment belongs to (RFC 791, RFC 8200): source, destination, identification. */
GABION_INLINE __u64 gabion_datagram(const struct gabion_packet *packet, const struct gabion_tables *tables,
				    __u64 source)
{
	const struct gabion_hash_key *key = &tables->control->hash;
	__u64 destination = gabion_hash6(key, packet->destination.word);
	__u32 word[4];

	word[0] = GABION_CAST(__u32, source >> 32);
	word[1] = GABION_CAST(__u32, source);
	word[2] = GABION_CAST(__u32, destination >> 32);
	word[3] = packet->fragment_id;
	return gabion_hash6(key, word);
}

/* Fragments of one datagram come within this long of each other. An identification is used anew later than that. */
#define GABION_AMP_FRAGMENTS_S 1

/* Keeps one where `note`, else tells whether it is kept. CPUs may race: a note may be lost, and with it fragments of no use to anybody. */
GABION_OUTLINE __u32 gabion_amp_fragment(GABION_OUTLINE_TABLES const struct gabion_packet *packet,
					 const struct gabion_arrival *arrival, __u32 note)
{
	struct gabion_amp_fragments *kept;
	__u32 tag, slot, now, i;
	__u64 hash;

	GABION_OUTLINE_FIND_TABLES();
	if (!packet || !arrival)
		return 0;
	now = arrival->now;
	hash = gabion_datagram(packet, tables, arrival->hash);
	tag = GABION_CAST(__u32, hash) | 1;
	kept = gabion_at(GABION_TABLE(tables, amp_fragments), hash >> 32 & (GABION_AMP_FRAGMENT_BUCKETS - 1));
	if (!kept)
		return 0;
	if (note) { /* any place is as good as another: the hash chooses */
		slot = GABION_CAST(__u32, hash >> 29) & (GABION_AMP_FRAGMENTS_PER_BUCKET - 1);
		kept->stamp[slot] = now;
		kept->tag[slot] = tag;
		return 1;
	}
	for (i = 0; i < GABION_AMP_FRAGMENTS_PER_BUCKET; i++)
		if (kept->tag[i] == tag && now - kept->stamp[i] <= GABION_AMP_FRAGMENTS_S * GABION_SETTINGS(tables).hz)
			return 1;
	return 0;
}

GABION_OUTLINE __u32 gabion_amplified(GABION_OUTLINE_TABLES GABION_FRAME *frame, const struct gabion_packet *packet,
				      struct gabion_arrival *arrival)
{
	GABION_OUTLINE_FIND_TABLES();
	if (!packet || !arrival || gabion_to_many(packet) || gabion_frame_to_many(frame))
		return GABION_REASON_NONE;
	if (packet->flags & GABION_PACKET_LATER_FRAGMENT)
		return gabion_amp_fragment(GABION_GIVE_TABLES(tables) packet, arrival, 0) ? GABION_REASON_AMPLIFICATION
											  : GABION_REASON_NONE;
	if (!gabion_port_amplifies(packet->source_port, tables) || !gabion_amp_answers(frame, packet, tables) ||
	    gabion_vouched(packet, tables, arrival) || gabion_vouched_by_group(packet, tables, arrival->now))
		return GABION_REASON_NONE;
	if (packet->flags & GABION_PACKET_FRAGMENT)
		gabion_amp_fragment(GABION_GIVE_TABLES(tables) packet, arrival, 1);
	return GABION_REASON_AMPLIFICATION;
}

GABION_INLINE __u32 gabion_stage_amplification(GABION_FRAME *frame, const struct gabion_packet *packet,
					       const struct gabion_tables *tables, struct gabion_arrival *arrival)
{
	if (GABION_LIKELY(!(arrival->suspect & GABION_SUSPECT_PORT)) || packet->protocol != GABION_PROTOCOL_UDP ||
	    arrival->allowed & GABION_SKIP_VALIDATION)
		return GABION_REASON_NONE;
	(void)tables;
	return gabion_amplified(GABION_GIVE_TABLES(tables) frame, packet, arrival);
}

#endif
