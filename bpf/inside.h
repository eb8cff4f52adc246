/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Inline mode: what comes in by the inside port. It is forwarded to the outside port and not judged; what it vouches for is noted, as
 * egress.bpf.c does for what this host sends. The same source in the kernel and on the host. No packet leaves uncounted.
 */
#ifndef GABION_INSIDE_H
#define GABION_INSIDE_H

#include "note.h"
#include "usual.h"

#include "abi/cpu.h"
#include "lib/count.h"
#include "lib/link_control.h"
#include "lib/parse.h"

/* Whether the outside port is there. The program says beforehand how to ask; whoever only judges packets takes it for granted. */
#ifndef GABION_WAY_OUT
#define GABION_WAY_OUT() 1
#endif

GABION_OUTLINE int gabion_observe(GABION_NOTEBOOK GABION_FRAME *frame)
{
	const struct gabion_sender sender = {0, 0, 0, GABION_FROM_INSIDE};
	const __u8 *begin = gabion_frame_begin(frame), *end = gabion_frame_end(frame);
	struct gabion_packet packet;

	if (gabion_parse(begin, end, GABION_CAST(__u32, end - begin), &packet) || !(packet.flags & GABION_PACKET_L4))
		return 0;
	return gabion_note(GABION_GIVE_NOTEBOOK & packet, &sender);
}

GABION_INLINE __u32 gabion_judge_inside(GABION_NOTEBOOK GABION_FRAME *frame)
{
	const __u8 *begin = gabion_frame_begin(frame);
	const struct gabion_wire_ethernet *ethernet = GABION_AT(struct gabion_wire_ethernet, begin);

	if (GABION_NOTE_SETTINGS()->features & GABION_FEATURE_LINK_CONTROL &&
	    begin + sizeof(*ethernet) <= gabion_frame_end(frame) && gabion_link_control(ethernet))
		return GABION_REASON_LINK_CONTROL;
	if (!gabion_note_usual(GABION_GIVE_NOTEBOOK begin, gabion_frame_end(frame)))
		gabion_observe(GABION_GIVE_NOTEBOOK frame);
	return GABION_WAY_OUT() ? GABION_REASON_OUTBOUND : GABION_REASON_PORT_GONE;
}

/* The reason under which the packet leaves, counted. */
GABION_INLINE __u32 gabion_inside_port(GABION_NOTEBOOK GABION_FRAME *frame, struct gabion_cpu *cpu)
{
	__u32 length = GABION_CAST(__u32, gabion_frame_end(frame) - gabion_frame_begin(frame)), reason;

	gabion_tally(&cpu->received, length);
	reason = gabion_judge_inside(GABION_GIVE_NOTEBOOK frame);
	gabion_tally(&cpu->reason[reason], length);
	return reason;
}

#endif
