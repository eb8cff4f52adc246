/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows that the host vouches for (bpf/abi/flow.h): noted where packets leave, asked where they arrive. CPUs may write one bucket at
 * the same time; the worst that comes of it is a forgotten note, which the flow's next packet out makes good.
 */
#ifndef GABION_LIB_FLOW_H
#define GABION_LIB_FLOW_H

#include "../abi/flow.h"
#include "flow_key.h"
#include "home.h"
#include "packet.h"
#include "parse_l4.h"

/* What a packet on its way out says of its flow (bpf/lib/vouch.h). */
struct gabion_vouch {
	__u32 kind;	  /* enum gabion_flow_kind */
	__u32 grants;	  /* packets that may come in for this one */
	__u32 grants_max; /* and altogether */
	__u32 number; /* SYN and SYN-ACK: the acknowledgment that completes the handshake; else the sequence number */
	__u32 acknowledgment; /* that the packet bears */
	__u32 doubtful; /* may be an answer to anything: counts only if it shows that the handshake is behind it */
	__u32 ends;	/* the connection is no more */
};

GABION_INLINE int gabion_flow_alive(const struct gabion_flow *flow, __u32 now, __u32 idle_ticks)
{
	return flow->tag && now - flow->stamp <= idle_ticks;
}

/*
 * Where a flow's note goes: its own entry, else the one that is worth least, dead before alive, weaker before stronger, older
 * before younger. NULL when all are worth more than `kind`: answers to a SYN flood must not wash out what is established.
 */
GABION_INLINE struct gabion_flow *gabion_flow_place(struct gabion_flow_bucket *bucket, __u32 tag, __u32 kind, __u32 now,
						    __u32 idle_ticks)
{
	struct gabion_flow *place = GABION_NULL;
	__u64 least = ~0ull;
	__u32 i;

	GABION_UNROLL
	for (i = 0; i < GABION_FLOWS_PER_BUCKET; i++) {
		struct gabion_flow *flow = &bucket->flow[i];
		__u64 worth;

		if (flow->tag == tag)
			return flow;
		worth = 0;
		if (gabion_flow_alive(flow, now, idle_ticks))
			worth = GABION_CAST(__u64, flow->kind) << 32 | GABION_CAST(__u32, ~(now - flow->stamp));
		if (worth < least && worth >> 32 <= kind) {
			least = worth;
			place = flow;
		}
	}
	return place;
}

/* Kinds whose number is how many packets may still come in. */
GABION_INLINE int gabion_flow_counts(__u32 kind)
{
	return kind == GABION_FLOW_OWN || kind == GABION_FLOW_SERVICE;
}

GABION_INLINE void gabion_flow_grant(struct gabion_flow *flow, const struct gabion_vouch *vouch, __u32 now)
{
	__u32 grants = flow->number + vouch->grants;

	if (gabion_flow_counts(flow->kind))
		flow->number = grants > vouch->grants_max ? vouch->grants_max : grants;
	flow->stamp = now;
}

/* What an established connection has come to. A note that was made without a packet out knows of no numbers: both are 0. */
GABION_INLINE void gabion_flow_number(struct gabion_flow *flow, const struct gabion_vouch *vouch)
{
	if (vouch->kind != GABION_FLOW_ESTABLISHED)
		return;
	flow->number = vouch->acknowledgment;
	flow->answered = GABION_CAST(__u16, vouch->number >> 16);
}

GABION_INLINE void gabion_flow_begin(struct gabion_flow *flow, __u32 tag, const struct gabion_vouch *vouch, __u32 now)
{
	flow->tag = 0;
	flow->kind = GABION_CAST(__u16, vouch->kind);
	flow->number = gabion_flow_counts(vouch->kind) ? 0 : vouch->number;
	flow->answered = GABION_CAST(__u16, vouch->acknowledgment);
	gabion_flow_number(flow, vouch);
	gabion_flow_grant(flow, vouch, now);
	flow->tag = tag;
}

/*
 * A TCP that answered a SYN sends its answer's numbers, and nothing beyond, until the handshake is complete; one that asked sends no
 * segment but SYNs until then. Whoever goes beyond has completed it.
 */
GABION_INLINE int gabion_flow_went_on(const struct gabion_flow *flow, const struct gabion_vouch *vouch)
{
	return flow->kind != GABION_FLOW_ANSWERED || flow->number != vouch->number ||
	       flow->answered != GABION_CAST(__u16, vouch->acknowledgment);
}

/*
 * A packet left that says what its flow is. SYNs and their answers begin it anew: a TCP sends them only where it holds no connection. Else
 * a flow that is alive never gets weaker. What is doubtful begins a flow only in `calm` times.
 */
GABION_INLINE void gabion_flow_note(struct gabion_flow_bucket *bucket, __u32 tag, const struct gabion_vouch *vouch,
				    __u32 now, __u32 idle_ticks, int calm)
{
	struct gabion_flow *flow = gabion_flow_place(bucket, tag, vouch->kind, now, idle_ticks);
	int alive;

	if (!flow)
		return;
	alive = flow->tag == tag && gabion_flow_alive(flow, now, idle_ticks);
	if (vouch->doubtful && !(alive ? gabion_flow_went_on(flow, vouch) : calm))
		return;
	if (!alive || vouch->kind == GABION_FLOW_ANSWERED || vouch->kind == GABION_FLOW_ASKED) {
		gabion_flow_begin(flow, tag, vouch, now);
		return;
	}
	if (flow->kind < vouch->kind)
		flow->kind = GABION_CAST(__u16, vouch->kind);
	if (flow->kind == vouch->kind)
		gabion_flow_grant(flow, vouch, now);
	else
		flow->stamp = now;
	gabion_flow_number(flow, vouch);
}

/* The entry with the flow's tag, alive or not, or NULL. */
GABION_INLINE struct gabion_flow *gabion_flow_find(struct gabion_flow_bucket *bucket, __u32 tag)
{
	__u32 i;

	GABION_UNROLL
	for (i = 0; i < GABION_FLOWS_PER_BUCKET; i++)
		if (bucket->flow[i].tag == tag)
			return &bucket->flow[i];
	return GABION_NULL;
}

/* One more question of a flow that is noted for such questions. Whether it was. */
GABION_INLINE int gabion_flow_asks_on(struct gabion_flow_bucket *bucket, __u32 tag, const struct gabion_vouch *vouch,
				      __u32 now, __u32 idle_ticks)
{
	struct gabion_flow *flow = gabion_flow_find(bucket, tag);

	if (!flow || flow->kind != vouch->kind || !gabion_flow_alive(flow, now, idle_ticks))
		return 0;
	gabion_flow_grant(flow, vouch, now);
	return 1;
}

/* One more segment of a connection that another one has shown to be established in the same tick. Whether it was. */
GABION_INLINE int gabion_flow_sends_on(struct gabion_flow_bucket *bucket, __u32 tag, __u32 sequence,
				       __u32 acknowledgment, __u32 now)
{
	struct gabion_flow *flow = gabion_flow_find(bucket, tag);

	if (!flow || flow->kind != GABION_FLOW_ESTABLISHED || flow->stamp != now)
		return 0;
	flow->number = acknowledgment;
	flow->answered = GABION_CAST(__u16, sequence >> 16);
	return 1;
}

/* What is noted of a flow (enum gabion_flow_kind). */
GABION_INLINE __u32 gabion_flow_kind_of(const struct gabion_flow_bucket *bucket, __u32 tag, __u32 now, __u32 idle_ticks)
{
	__u32 kind = GABION_FLOW_NONE, i;

	GABION_UNROLL
	for (i = 0; i < GABION_FLOWS_PER_BUCKET; i++)
		if (bucket->flow[i].tag == tag && gabion_flow_alive(&bucket->flow[i], now, idle_ticks))
			kind = bucket->flow[i].kind;
	return kind;
}

/* A packet left that says nothing new: what the host opened itself, and what is established, is still in use; or it is over. */
GABION_INLINE void gabion_flow_refresh(struct gabion_flow_bucket *bucket, __u32 tag, const struct gabion_vouch *vouch,
				       __u32 now, __u32 idle_ticks)
{
	__u32 i;

	GABION_UNROLL
	for (i = 0; i < GABION_FLOWS_PER_BUCKET; i++) {
		struct gabion_flow *flow = &bucket->flow[i];

		if (flow->tag != tag || !gabion_flow_alive(flow, now, idle_ticks))
			continue;
		if (vouch->ends) {
			if (flow->kind >= GABION_FLOW_COMPLETE)
				flow->tag = 0;
		} else if (flow->kind >= GABION_FLOW_ASKED) {
			gabion_flow_grant(flow, vouch, now);
		}
	}
}

enum gabion_belief {
	GABION_BELIEF_UNASKED,
	GABION_BELIEF_NONE,  /* no such flow, or its grants are used up */
	GABION_BELIEF_WRONG, /* a handshake with these ends is under way, and this is not its number */
	GABION_BELIEF_YES,
	GABION_BELIEF_FITS, /* likewise, and its numbers fit the connection: who sent it sees what the host sends */
	GABION_BELIEF_COMPLETES, /* likewise: this is the packet that completes the handshake */
};

/* Uses up one of the flow's grants. */
GABION_INLINE __u32 gabion_flow_takes(struct gabion_flow *flow)
{
	__u32 held = gabion_read32(&flow->number);

	return held && __sync_val_compare_and_swap(&flow->number, held, held - 1) == held ? GABION_BELIEF_YES
											  : GABION_BELIEF_NONE;
}

/*
 * Judges a packet by the numbers of the handshake that it belongs to, as strictly as a TCP does: a stranger who does not see what the
 * host sent has one chance in 2^32. A reset of an answered SYN bears the number that the answer acknowledged; half of it is kept.
 */
GABION_INLINE __u32 gabion_flow_completes(struct gabion_flow *flow, const struct gabion_packet *packet)
{
	__u32 flags = packet->tcp_flags;

	if (flow->kind == GABION_FLOW_ANSWERED && flags & GABION_TCP_RST)
		return GABION_CAST(__u16, packet->sequence) == flow->answered ? GABION_BELIEF_YES : GABION_BELIEF_WRONG;
	if (!(flags & GABION_TCP_ACK) || packet->acknowledgment != flow->number)
		return GABION_BELIEF_WRONG;
	if (flow->kind == GABION_FLOW_ANSWERED) {
		if (flags & GABION_TCP_SYN)
			return GABION_BELIEF_WRONG;
		flow->kind = GABION_FLOW_COMPLETE;
		return GABION_BELIEF_COMPLETES;
	}
	return GABION_BELIEF_YES;
}

/*
 * Whether a packet's numbers fit its connection. Until the host sends something on it, the acknowledgment is that of the handshake. Then
 * it is what the host last sent that counts: data from 1 MiB before what was acknowledged to 16 MiB behind, which is more than a window as
 * Linux opens it, and an acknowledgment of what was sent no more than 16 MiB before. Who knows the ports but sees nothing of the
 * connection gets one in 60,000 right.
 */
GABION_INLINE int gabion_flow_fits(const struct gabion_flow *flow, const struct gabion_packet *packet)
{
	__u32 ahead = packet->sequence - flow->number + (1u << 20);
	__u32 behind = (flow->answered - (packet->acknowledgment >> 16) + 4) & 0xffff; /* what is sent now counts too */

	if (flow->kind == GABION_FLOW_COMPLETE)
		return packet->tcp_flags & GABION_TCP_ACK && packet->acknowledgment == flow->number;
	return (flow->number || flow->answered) && packet->tcp_flags & GABION_TCP_ACK && ahead < 17u << 20 &&
	       behind < 4 + 256;
}

/* Whether a packet that came in belongs to a flow that the host vouches for. */
GABION_INLINE __u32 gabion_flow_believes(struct gabion_flow_bucket *bucket, __u32 tag,
					 const struct gabion_packet *packet, __u32 now, __u32 idle_ticks)
{
	__u32 i;

	GABION_UNROLL
	for (i = 0; i < GABION_FLOWS_PER_BUCKET; i++) {
		struct gabion_flow *flow = &bucket->flow[i];

		if (flow->tag != tag || !gabion_flow_alive(flow, now, idle_ticks))
			continue;
		if (flow->kind >= GABION_FLOW_COMPLETE)
			return flow->kind != GABION_FLOW_COOKIE && gabion_flow_fits(flow, packet) ? GABION_BELIEF_FITS
												  : GABION_BELIEF_YES;
		if (gabion_flow_counts(flow->kind))
			return gabion_flow_takes(flow);
		return gabion_flow_completes(flow, packet);
	}
	return GABION_BELIEF_NONE;
}

#endif
