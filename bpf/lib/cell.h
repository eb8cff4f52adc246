/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Taking packets' worths of the rates that all CPUs share (bpf/abi/caps.h). */
#ifndef GABION_LIB_CELL_H
#define GABION_LIB_CELL_H

#include "../abi/caps.h"
#include "bucket.h"
#include "tables.h"

/* A packet's worth of a cell, from this CPU's lot or from a new one. */
GABION_INLINE int gabion_cell_takes(struct gabion_cell *cell, struct gabion_cpu *cpu, __u32 index, __u32 now)
{
	__u32 left;

	index &= 127;
	left = cpu->lots.cell[index];
	if (!left) {
		if (!gabion_gcra(&cell->schedule, cell->interval, cell->burst, now))
			return 0;
		left = GABION_CAP_LOT;
	}
	cpu->lots.cell[index] = GABION_CAST(__u16, left - 1);
	return 1;
}

/* Likewise of the one at `index`; without a limit there is always room. */
GABION_INLINE int gabion_cell_has_room(const struct gabion_tables *tables, struct gabion_cpu *cpu, __u32 index,
				       __u32 now)
{
	struct gabion_cell *cell = gabion_at(GABION_TABLE(tables, cells), index);

	return !cell || !cell->interval || gabion_cell_takes(cell, cpu, index, now);
}

#endif
