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

enum gabion_vouched_for { GABION_VOUCHED_UNASKED, GABION_VOUCHED_NO, GABION_VOUCHED_YES };

GABION_INLINE int gabion_flow_vouches(const struct gabion_packet *packet, const struct gabion_tables *tables, __u32 now)
{
	const struct gabion_control *control = tables->control;
	struct gabion_flow_bucket *bucket;
	struct gabion_flow_key key;

	if (!(packet->flags & GABION_PACKET_L4))
		return 0;
	key = gabion_flow_in(packet, &control->hash);
	bucket = gabion_at(GABION_TABLE(tables, flows), key.bucket & GABION_SETTINGS(tables).flow_mask);
	return bucket && gabion_flow_grants(bucket, key.tag, now, gabion_read32(&control->flow_idle_ticks));
}

GABION_INLINE int gabion_vouched(const struct gabion_packet *packet, const struct gabion_tables *tables,
				 struct gabion_arrival *arrival)
{
	if (arrival->vouched == GABION_VOUCHED_UNASKED)
		arrival->vouched = gabion_flow_vouches(packet, tables, arrival->now) ? GABION_VOUCHED_YES
										     : GABION_VOUCHED_NO;
	return arrival->vouched == GABION_VOUCHED_YES;
}

#endif
