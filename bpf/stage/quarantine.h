/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Quarantine: sources that send too much, or under whose address somebody does. What the host itself vouches for passes, one SYN in
 * a while passes, a configured rate passes; the rest is dropped. The address is judged before the longest prefix that holds it,
 * and has to get past both.
 */
#ifndef GABION_STAGE_QUARANTINE_H
#define GABION_STAGE_QUARANTINE_H

#include "../abi/reason.h"
#include "../lib/bucket.h"
#include "../lib/known.h"
#include "../lib/parse_l4.h"
#include "../lib/sets.h"
#include "../lib/vouched.h"

enum gabion_sentence {
	GABION_SENTENCE_NOT_SUBJECT,
	GABION_SENTENCE_VOUCHED, /* passes the whole stage */
	GABION_SENTENCE_WITHIN,
	GABION_SENTENCE_ABOVE,
	GABION_SENTENCE_CONTRADICTS,
};

/* One SYN in each `syn_ticks`. The tick is kept with a bit above it, so that "never" is not a time. */
GABION_INLINE int gabion_syn_passes(struct gabion_quarantine *state, const struct gabion_packet *packet, __u32 now,
				    __u32 syn_ticks)
{
	__u64 last = gabion_read64(&state->syn_at);

	if (packet->protocol != GABION_PROTOCOL_TCP ||
	    (packet->tcp_flags & (GABION_TCP_SYN | GABION_TCP_ACK | GABION_TCP_RST | GABION_TCP_FIN)) != GABION_TCP_SYN)
		return 0;
	if (last && now - GABION_CAST(__u32, last) < syn_ticks)
		return 0;
	return __sync_val_compare_and_swap(&state->syn_at, last, 1ull << 32 | now) == last;
}

GABION_INLINE int gabion_outside_cell(const struct gabion_quarantine *state, const struct gabion_packet *packet)
{
	return packet->protocol != state->protocol || packet->destination_port != state->destination_port;
}

GABION_INLINE __u32 gabion_sentence(struct gabion_quarantine *state, const struct gabion_packet *packet,
				    const struct gabion_tables *tables, struct gabion_arrival *arrival)
{
	__u32 flags = state->flags, now = arrival->now;

	if (flags & GABION_QUARANTINE_SPARE_KNOWN && gabion_known(tables, arrival->hash))
		return GABION_SENTENCE_NOT_SUBJECT;
	if (flags & GABION_QUARANTINE_HOPS) {
		if (packet->ttl >= state->ttl_low && packet->ttl <= state->ttl_high)
			return GABION_SENTENCE_NOT_SUBJECT;
		__sync_fetch_and_add(&state->hits, 1);
		return GABION_SENTENCE_CONTRADICTS;
	}
	if (flags & GABION_QUARANTINE_CELL && gabion_outside_cell(state, packet))
		return GABION_SENTENCE_NOT_SUBJECT;
	if (gabion_vouched(packet, tables, arrival))
		return GABION_SENTENCE_VOUCHED;
	if (gabion_syn_passes(state, packet, now, gabion_read32(&tables->control->quarantine_syn_ticks)) ||
	    gabion_gcra(&state->schedule, state->interval, state->burst, now)) {
		__sync_fetch_and_add(&state->passed, 1);
		return GABION_SENTENCE_WITHIN;
	}
	__sync_fetch_and_add(&state->hits, 1);
	return GABION_SENTENCE_ABOVE;
}

GABION_INLINE __u32 gabion_quarantine_exact(const struct gabion_packet *packet, const struct gabion_tables *tables,
					    struct gabion_arrival *arrival)
{
	__u64 found = gabion_quar_exact(packet->source.word, packet->ip_version, tables, arrival->hash, arrival->now);
	struct gabion_quarantine *state;

	if (!found)
		return GABION_SENTENCE_NOT_SUBJECT;
	if (packet->ip_version == 4)
		state = gabion_at(GABION_TABLE(tables, quar_e4_state), gabion_found_index(found));
	else
		state = gabion_at(GABION_TABLE(tables, quar_e6_state), gabion_found_index(found));
	return state ? gabion_sentence(state, packet, tables, arrival)
		     : GABION_CAST(__u32, GABION_SENTENCE_NOT_SUBJECT);
}

GABION_INLINE __u32 gabion_quarantine_prefix(const struct gabion_packet *packet, const struct gabion_tables *tables,
					     struct gabion_arrival *arrival)
{
	struct gabion_cover cover = {GABION_NULL, 0};
	__u64 found = gabion_quar_prefix(&cover, packet->source.word, packet->ip_version, tables, arrival->now);
	struct gabion_quarantine *state;

	if (!found)
		return GABION_SENTENCE_NOT_SUBJECT;
	if (packet->ip_version == 4)
		state = gabion_at(GABION_TABLE(tables, quar_p4_state), gabion_found_index(found));
	else
		state = gabion_at(GABION_TABLE(tables, quar_p6_state), gabion_found_index(found));
	return state ? gabion_sentence(state, packet, tables, arrival)
		     : GABION_CAST(__u32, GABION_SENTENCE_NOT_SUBJECT);
}

GABION_OUTLINE __u32 gabion_quarantine_look(GABION_OUTLINE_TABLES const struct gabion_packet *packet,
					    struct gabion_arrival *arrival)
{
	__u32 sentence;

	GABION_OUTLINE_FIND_TABLES();
	if (!packet || !arrival)
		return GABION_REASON_NONE;
	sentence = gabion_quarantine_exact(packet, tables, arrival);
	if (sentence == GABION_SENTENCE_CONTRADICTS)
		return GABION_REASON_HOPS_CONTRADICT;
	if (sentence == GABION_SENTENCE_ABOVE)
		return GABION_REASON_QUARANTINE;
	if (sentence == GABION_SENTENCE_VOUCHED)
		return GABION_REASON_NONE;
	sentence = gabion_quarantine_prefix(packet, tables, arrival);
	if (sentence == GABION_SENTENCE_CONTRADICTS)
		return GABION_REASON_HOPS_CONTRADICT;
	return sentence == GABION_SENTENCE_ABOVE ? GABION_REASON_QUARANTINE_PREFIX : GABION_REASON_NONE;
}

GABION_INLINE __u32 gabion_stage_quarantine(const struct gabion_packet *packet, const struct gabion_tables *tables,
					    struct gabion_arrival *arrival)
{
	if (GABION_LIKELY(!gabion_quar_any(packet->ip_version, tables)))
		return GABION_REASON_NONE;
	return gabion_quarantine_look(GABION_GIVE_TABLES(tables) packet, arrival);
}

#endif
