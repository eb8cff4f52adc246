/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Destinations under attack: found here once a packet, for their cap and for the sampler. The cap is one bucket that all CPUs share; each
 * takes GABION_CAP_LOT packets' worth at a time. It spares sources known from calm times and flows that the host vouches for.
 */
#ifndef GABION_STAGE_DESTINATION_H
#define GABION_STAGE_DESTINATION_H

#include "../abi/reason.h"
#include "../lib/arrival.h"
#include "../lib/bucket.h"
#include "../lib/known.h"
#include "../lib/table.h"
#include "../lib/vouched.h"

/* 1 + the index of the packet's destination in `destinations`; 0 when it is not there or no longer in force. */
GABION_INLINE __u32 gabion_destination_place(const struct gabion_packet *packet, const struct gabion_tables *tables)
{
	struct gabion_address key = packet->destination;
	__u64 hash;

	if (packet->ip_version == 4) {
		key.word[3] = key.word[0];
		key.word[0] = 0;
		key.word[2] = GABION_SWAP32(0x0000ffffu); /* ::ffff:a.b.c.d */
	}
	hash = gabion_hash6(&tables->control->hash, key.word);
	return gabion_found_value(
		gabion_find6(GABION_TABLE(tables, dest_table), GABION_SETTINGS(tables).dest_mask, key.word, hash));
}

/* A packet's worth of the cap, from this CPU's lot or from a new one. */
GABION_INLINE int gabion_cap_takes(struct gabion_destination *destination, __u32 *lot, __u32 now)
{
	if (*lot) {
		*lot -= 1;
		return 1;
	}
	if (!gabion_gcra(&destination->schedule, destination->cap_interval, destination->cap_burst, now))
		return 0;
	*lot = GABION_CAP_LOT - 1;
	return 1;
}

GABION_OUTLINE __u32 gabion_destination_look(GABION_OUTLINE_TABLES const struct gabion_packet *packet,
					     struct gabion_cpu *cpu, struct gabion_arrival *arrival)
{
	struct gabion_destination *destination;
	__u32 place;

	GABION_OUTLINE_FIND_TABLES();
	if (!packet || !cpu || !arrival)
		return GABION_REASON_NONE;
	place = gabion_destination_place(packet, tables) - 1;
	if (place >= GABION_DESTINATIONS_MAX)
		return GABION_REASON_NONE;
	destination = gabion_at(GABION_TABLE(tables, destinations), place);
	if (!destination || !gabion_in_force(gabion_read32(&destination->expires), arrival->now))
		return GABION_REASON_NONE;
	arrival->posture = destination->one_in;
	if (!destination->cap_interval || arrival->allowed & GABION_SKIP_RATES || gabion_known(tables, arrival->hash))
		return GABION_REASON_NONE;
	if (gabion_cap_takes(destination, &cpu->cap_lot[place], arrival->now) ||
	    gabion_vouched(packet, tables, arrival))
		return GABION_REASON_NONE;
	__sync_fetch_and_add(&destination->hits, 1);
	return GABION_REASON_DESTINATION_CAP;
}

GABION_INLINE __u32 gabion_stage_destination(const struct gabion_packet *packet, const struct gabion_tables *tables,
					     struct gabion_cpu *cpu, struct gabion_arrival *arrival)
{
	if (GABION_LIKELY(!gabion_read32(&tables->control->destinations)))
		return GABION_REASON_NONE;
	return gabion_destination_look(GABION_GIVE_TABLES(tables) packet, cpu, arrival);
}

#endif
