/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Caps for the host as a whole: of UDP, ICMP and SYNs, and of single ports. A packet above one of them is dropped unless something
 * vouches for it: its flow, or its source, known from calm times or proven. What keeps the network itself running goes past them, at a
 * rate of its own: any stranger can send to the ports by which it is told.
 */
#ifndef GABION_STAGE_CAPS_H
#define GABION_STAGE_CAPS_H

#include "../abi/caps.h"
#include "../abi/reason.h"
#include "../lib/arrival.h"
#include "../lib/cell.h"
#include "../lib/flood.h"
#include "../lib/kind.h"
#include "../lib/known.h"
#include "../lib/port_rule.h"
#include "../lib/proven.h"
#include "../lib/vouched.h"

GABION_INLINE __u32 gabion_cap_reason(__u32 kind)
{
	if (kind == GABION_FLOOD_UDP)
		return GABION_REASON_CAP_UDP;
	return kind == GABION_FLOOD_ICMP ? GABION_REASON_CAP_ICMP : GABION_REASON_CAP_SYN;
}

/* Whether the packet is above the cap that stands at `index`, which is then told of it. */
GABION_INLINE struct gabion_cell *gabion_cap_above(const struct gabion_tables *tables, struct gabion_cpu *cpu,
						   __u32 index, __u32 kind, __u32 now)
{
	struct gabion_cell *cell = gabion_at(GABION_TABLE(tables, cells), index);

	if (!cell || !cell->interval ||
	    (cell->flood_only && !gabion_flood_of(tables->control, GABION_CAST(enum gabion_flood_class, kind), now)))
		return GABION_NULL;
	return gabion_cell_takes(cell, cpu, index, now) ? GABION_NULL : cell;
}

GABION_INLINE int gabion_keeps_network(const struct gabion_packet *packet, const struct gabion_tables *tables,
				       struct gabion_cpu *cpu, __u32 now)
{
	return gabion_kind(packet) & GABION_PACKET_CONTROL &&
	       gabion_cell_has_room(tables, cpu, GABION_CELL_CONTROL, now);
}

GABION_INLINE int gabion_spared(const struct gabion_packet *packet, const struct gabion_tables *tables,
				struct gabion_cpu *cpu, struct gabion_arrival *arrival)
{
	return gabion_known(tables, arrival->hash) || gabion_proven(tables, arrival->hash, arrival->now) ||
	       gabion_vouched(packet, tables, arrival) || gabion_keeps_network(packet, tables, cpu, arrival->now);
}

GABION_OUTLINE __u32 gabion_caps_look(GABION_OUTLINE_TABLES const struct gabion_packet *packet, struct gabion_cpu *cpu,
				      struct gabion_arrival *arrival)
{
	struct gabion_cell *above = GABION_NULL;
	__u32 kind, port, reason = GABION_REASON_CAP_PORT;

	GABION_OUTLINE_FIND_TABLES();
	if (!packet || !cpu || !arrival || arrival->allowed & GABION_SKIP_RATES)
		return GABION_REASON_NONE;
	kind = gabion_flood_class_of(packet);
	port = gabion_read32(&tables->control->caps.ports) ? gabion_port_rule(packet, tables) & 0xff : 0;
	if (port)
		above = gabion_cap_above(tables, cpu, GABION_CELL_PORT - 1 + port, kind, arrival->now);
	if (!above) {
		above = gabion_cap_above(tables, cpu, GABION_CELL_CAP + kind, kind, arrival->now);
		reason = gabion_cap_reason(kind);
	}
	if (GABION_LIKELY(!above) || gabion_spared(packet, tables, cpu, arrival))
		return GABION_REASON_NONE;
	__sync_fetch_and_add(&above->hits, 1);
	return reason;
}

GABION_INLINE __u32 gabion_stage_caps(const struct gabion_packet *packet, const struct gabion_tables *tables,
				      struct gabion_cpu *cpu, struct gabion_arrival *arrival)
{
	if (GABION_LIKELY(!gabion_read32(&tables->control->caps.whole_way) &&
			  !gabion_flood_any(tables->control, arrival->now)))
		return GABION_REASON_NONE;
	/* segments have no cap but that of a port */
	if (gabion_flood_class_of(packet) == GABION_FLOOD_TCP && !gabion_read32(&tables->control->caps.ports))
		return GABION_REASON_NONE;
	return gabion_caps_look(GABION_GIVE_TABLES(tables) packet, cpu, arrival);
}

#endif
