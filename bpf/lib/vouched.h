/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether a packet belongs to a flow that the host itself opened, or that its own stack holds as established. */
#ifndef GABION_LIB_VOUCHED_H
#define GABION_LIB_VOUCHED_H

#include "flow.h"
#include "tables.h"

GABION_INLINE int gabion_vouched(const struct gabion_packet *packet, const struct gabion_tables *tables, __u32 now)
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

#endif
