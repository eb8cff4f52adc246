/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows that the host vouches for (bpf/abi/flow.h): noted where packets leave, asked where they arrive. CPUs may write one bucket at
 * the same time; the worst that comes of it is a forgotten note, which the flow's next packet out makes good.
 */
#ifndef GABION_LIB_FLOW_H
#define GABION_LIB_FLOW_H

#include "../abi/flow.h"
#include "hash.h"
#include "home.h"
#include "packet.h"

struct gabion_flow_key {
	__u32 bucket; /* before the mask */
	__u32 tag;
};

/* What a packet on its way out says of its flow (bpf/lib/vouch.h). */
struct gabion_vouch {
	__u32 kind;	  /* enum gabion_flow_kind */
	__u32 grants;	  /* packets that may come in for this one */
	__u32 grants_max; /* and altogether */
};

/* The same for both directions of a flow: the caller says which end is the host's. */
GABION_INLINE struct gabion_flow_key gabion_flow_key_of(const struct gabion_address *local,
							const struct gabion_address *remote, __u32 local_port,
							__u32 remote_port, __u32 protocol,
							const struct gabion_hash_key *key)
{
	__u64 far = gabion_hash6(key, remote->word), near = gabion_hash6(key, local->word), hash;
	__u32 word[4];
	struct gabion_flow_key flow;

	word[0] = GABION_CAST(__u32, far);
	word[1] = GABION_CAST(__u32, far >> 32);
	word[2] = local_port << 16 | remote_port;
	word[3] = GABION_CAST(__u32, near >> 32) ^ protocol;
	hash = gabion_hash6(key, word);
	flow.bucket = GABION_CAST(__u32, hash >> 32);
	flow.tag = GABION_CAST(__u32, hash);
	if (!flow.tag)
		flow.tag = 1;
	return flow;
}

/* As seen on the way in: the host is the destination. */
GABION_INLINE struct gabion_flow_key gabion_flow_in(const struct gabion_packet *packet,
						    const struct gabion_hash_key *key)
{
	return gabion_flow_key_of(&packet->destination, &packet->source, packet->destination_port, packet->source_port,
				  packet->protocol, key);
}

GABION_INLINE struct gabion_flow_key gabion_flow_out(const struct gabion_packet *packet,
						     const struct gabion_hash_key *key)
{
	return gabion_flow_key_of(&packet->source, &packet->destination, packet->source_port, packet->destination_port,
				  packet->protocol, key);
}

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

GABION_INLINE void gabion_flow_grant(struct gabion_flow *flow, const struct gabion_vouch *vouch, __u32 now)
{
	__u32 grants = flow->grants + vouch->grants;

	flow->grants = grants > vouch->grants_max ? vouch->grants_max : grants;
	flow->stamp = now;
}

/* A packet left that says what its flow is. A flow that is alive never gets weaker. */
GABION_INLINE void gabion_flow_note(struct gabion_flow_bucket *bucket, __u32 tag, const struct gabion_vouch *vouch,
				    __u32 now, __u32 idle_ticks)
{
	struct gabion_flow *flow = gabion_flow_place(bucket, tag, vouch->kind, now, idle_ticks);

	if (!flow)
		return;
	if (flow->tag != tag || !gabion_flow_alive(flow, now, idle_ticks)) {
		flow->tag = 0;
		flow->kind = vouch->kind;
		flow->grants = 0;
		gabion_flow_grant(flow, vouch, now);
		flow->tag = tag;
		return;
	}
	if (flow->kind > vouch->kind) {
		flow->stamp = now;
		return;
	}
	flow->kind = vouch->kind;
	gabion_flow_grant(flow, vouch, now);
}

/* A packet left that says nothing new: what the host opened itself, and what is established, is still in use. */
GABION_INLINE void gabion_flow_refresh(struct gabion_flow_bucket *bucket, __u32 tag, const struct gabion_vouch *vouch,
				       __u32 now, __u32 idle_ticks)
{
	__u32 i;

	GABION_UNROLL
	for (i = 0; i < GABION_FLOWS_PER_BUCKET; i++) {
		struct gabion_flow *flow = &bucket->flow[i];

		if (flow->tag == tag && flow->kind >= GABION_FLOW_OWN && gabion_flow_alive(flow, now, idle_ticks))
			gabion_flow_grant(flow, vouch, now);
	}
}

/* Whether a packet that came in belongs to a flow that the host vouches for; uses up one of its grants unless it is established. */
GABION_INLINE int gabion_flow_grants(struct gabion_flow_bucket *bucket, __u32 tag, __u32 now, __u32 idle_ticks)
{
	__u32 i, held;

	GABION_UNROLL
	for (i = 0; i < GABION_FLOWS_PER_BUCKET; i++) {
		struct gabion_flow *flow = &bucket->flow[i];

		if (flow->tag != tag || !gabion_flow_alive(flow, now, idle_ticks))
			continue;
		if (flow->kind == GABION_FLOW_ESTABLISHED)
			return 1;
		held = gabion_read32(&flow->grants);
		return held && __sync_val_compare_and_swap(&flow->grants, held, held - 1) == held;
	}
	return 0;
}

#endif
