/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The early trigger: every packet that is neither malformed, banned nor quarantined is counted in its class, from a lot that the CPU
 * owns; a new lot is taken from the cell that all CPUs share, and when that has no room a flood of the class is on, from
 * this very packet on. What comes later and drops only while a flood is on does not change what is counted here, so a flood that
 * is held lasts until it stops being sent.
 */
#ifndef GABION_LIB_TRIGGER_H
#define GABION_LIB_TRIGGER_H

#include "arrival.h"
#include "bucket.h"
#include "flood.h"
#include "plain.h"
#include "tables.h"

/* The CPU's lot is used up. Returns whether a flood was raised. */
GABION_OUTLINE int gabion_trigger_lot(GABION_OUTLINE_TABLES struct gabion_cpu *cpu, __u32 kind, __u32 now)
{
	struct gabion_cell *cell;

	GABION_OUTLINE_FIND_TABLES();
	kind &= 7;
	if (!cpu || kind >= GABION_FLOOD_CLASSES)
		return 0;
	cpu->lot[kind] = GABION_CAP_LOT - 1;
	cpu->lots.counted[kind]++;
	cell = gabion_at(GABION_TABLE(tables, cells), GABION_CELL_TRIGGER + kind);
	if (!cell || !cell->interval || gabion_gcra(&cell->schedule, cell->interval, cell->burst, now))
		return 0;
	__sync_fetch_and_add(&cell->hits, 1);
	gabion_flood_raise(tables->control, GABION_CAST(enum gabion_flood_class, kind), now,
			   gabion_read32(&tables->control->caps.flood_ticks));
	return 1;
}

/* Counts one packet. Returns whether it was the one that raised a flood. */
GABION_INLINE int gabion_trigger(const struct gabion_tables *tables, struct gabion_cpu *cpu, __u32 kind, __u32 now)
{
	__u32 left;

	(void)tables; /* which the kernel's functions out of line find by themselves */
	kind &= 7;
	left = cpu->lot[kind];
	if (GABION_UNLIKELY(!left))
		return gabion_trigger_lot(GABION_GIVE_TABLES(tables) cpu, kind, now);
	cpu->lot[kind] = GABION_CAST(__u16, left - 1);
	return 0;
}

/*
 * A plain packet (GABION_PLAIN_*): counted, unless it is to be looked at whole, as all are that open or end a connection. Returns 0 when
 * it is.
 */
GABION_INLINE int gabion_passes_caps(__u32 plain, const struct gabion_tables *tables, struct gabion_cpu *cpu,
				     struct gabion_arrival *arrival)
{
	if (plain == GABION_PLAIN_TURN || gabion_read32(&tables->control->caps.whole_way) >> (plain - 1) & 1)
		return 0;
	arrival->counted = 1;
	return !gabion_trigger(tables, cpu, plain - 1, arrival->now);
}

GABION_INLINE void gabion_count_class(const struct gabion_packet *packet, const struct gabion_tables *tables,
				      struct gabion_cpu *cpu, struct gabion_arrival *arrival)
{
	if (!arrival->counted)
		gabion_trigger(tables, cpu, gabion_flood_class_of(packet), arrival->now);
}

#endif
