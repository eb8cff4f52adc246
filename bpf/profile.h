/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Marks at work: the profiling program includes this before the pipeline. Of the packets of a CPU one in GABION_PROFILE_ONE_IN is
 * timed, with random gaps, so that no regular traffic falls in step with it. A mark reads the clock twice: as the stage ends, and
 * as the next one begins, so that no stage pays for the book-keeping of another.
 */
#ifndef GABION_PROFILE_H
#define GABION_PROFILE_H

#include "abi/profile.h"
#include "lib/arrival.h"
#include "lib/home.h"
#include "lib/random.h"
#include "maps.h"

GABION_ARRAY(profile, 1, struct gabion_profile);

/* The tick after which nothing is timed any more, whoever may have left the program in place; 0 = none. */
const volatile __u32 gabion_profile_until SEC(".rodata.profile");

#define GABION_MARK(arrival, stage) gabion_mark(arrival, GABION_STAGE_##stage)
#define GABION_TIMED(arrival)	    ((arrival)->timed)

/* The stage that ends. Returns 0; a function that the kernel verifies by itself must return something. */
GABION_OUTLINE int gabion_end_stage(__u32 stage)
{
	__u64 took = bpf_ktime_get_ns(), cell;
	struct gabion_profile *self = bpf_map_lookup_elem(&profile, &(__u32){bpf_get_smp_processor_id()});
	struct gabion_stage_time *time;

	if (!self)
		return 0;
	took -= self->mark;
	time = &self->stage[stage & (GABION_STAGE_SLOTS - 1)];
	time->packets++;
	time->ns += took;
	if (took > time->most)
		time->most = took;
	cell = took / GABION_PROFILE_CELL_NS;
	if (cell >= GABION_PROFILE_CELLS)
		cell = GABION_PROFILE_CELLS - 1;
	time->cell[cell]++;
	self->mark = bpf_ktime_get_ns();
	return 0;
}

/* Whether this packet is timed; then the clock's own cost is taken first. */
GABION_OUTLINE int gabion_begin_packet(__u32 now)
{
	struct gabion_profile *self = bpf_map_lookup_elem(&profile, &(__u32){bpf_get_smp_processor_id()});
	__u32 until = gabion_profile_until;

	if (!self || (until && (__s32)(until - now) <= 0))
		return 0;
	if (GABION_LIKELY(self->skip)) {
		self->skip--;
		return 0;
	}
	self->skip = gabion_gap(bpf_get_prandom_u32(), GABION_PROFILE_ONE_IN);
	self->mark = bpf_ktime_get_ns();
	gabion_end_stage(GABION_STAGE_CLOCK);
	return 1;
}

GABION_INLINE void gabion_mark(struct gabion_arrival *arrival, __u32 stage)
{
	if (stage == GABION_STAGE_CLOCK)
		arrival->timed = gabion_begin_packet(arrival->now);
	else if (GABION_UNLIKELY(arrival->timed))
		gabion_end_stage(stage);
}

#endif
