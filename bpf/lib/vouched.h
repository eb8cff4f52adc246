/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a packet belongs to a flow that the host itself opened, or that its own stack holds as established. Asked by any stage that
 * would otherwise hurt it; the flow is looked up, and one of its grants used up, once a packet.
 */
#ifndef GABION_LIB_VOUCHED_H
#define GABION_LIB_VOUCHED_H

#include "arrival.h"
#include "flow.h"
#include "tables.h"

GABION_INLINE __u32 gabion_flow_asked(const struct gabion_packet *packet, const struct gabion_tables *tables, __u32 now)
{
	const struct gabion_control *control = tables->control;
	struct gabion_flow_bucket *bucket;
	struct gabion_flow_key key;

	if (!(packet->flags & GABION_PACKET_L4))
		return GABION_BELIEF_NONE;
	key = gabion_flow_in(packet, &control->hash);
	bucket = gabion_at(GABION_TABLE(tables, flows), key.bucket & GABION_SETTINGS(tables).flow_mask);
	return bucket ? gabion_flow_believes(bucket, key.tag, packet, now, gabion_read32(&control->flow_idle_ticks))
		      : GABION_CAST(__u32, GABION_BELIEF_NONE);
}

GABION_INLINE int gabion_vouched(const struct gabion_packet *packet, const struct gabion_tables *tables,
				 struct gabion_arrival *arrival)
{
	if (arrival->vouched == GABION_BELIEF_UNASKED)
		arrival->vouched = gabion_flow_asked(packet, tables, arrival->now);
	return arrival->vouched >= GABION_BELIEF_YES;
}

/* Whether the host asked a group (bpf/lib/vouch.h): then anybody may answer from that port. */
GABION_INLINE int gabion_vouched_by_group(const struct gabion_packet *packet, const struct gabion_tables *tables,
					  __u32 now)
{
	const struct gabion_control *control = tables->control;
	const struct gabion_address anybody = {{0, 0, 0, 0}};
	struct gabion_flow_bucket *bucket;
	struct gabion_flow_key key;

	key = gabion_flow_key_of(packet, &packet->destination, &anybody,
				 gabion_flow_ports(packet->destination_port, packet->source_port), &control->hash);
	bucket = gabion_at(GABION_TABLE(tables, flows), key.bucket & GABION_SETTINGS(tables).flow_mask);
	return bucket && gabion_flow_believes(bucket, key.tag, packet, now, gabion_read32(&control->flow_idle_ticks)) >=
				 GABION_BELIEF_YES;
}

#endif
