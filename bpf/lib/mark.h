/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a stage ends, in one line of its own: GABION_MARK(arrival, BANS); with a name of bpf/abi/profile.h. It is nothing, not one
 * instruction, but in the profiling program, which says beforehand what a mark does (bpf/profile.h).
 */
#ifndef GABION_LIB_MARK_H
#define GABION_LIB_MARK_H

#ifndef GABION_MARK
#define GABION_MARK(arrival, stage) ((void)0)
#endif

/* What an arrival says of it. */
#ifndef GABION_TIMED
#define GABION_TIMED(arrival) 0
#endif

#endif
