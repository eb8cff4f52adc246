/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pipeline, in the order in which a packet meets its stages: the same source in the kernel and on the host. The frame, the
 * tables, the CPU's own state, the time (jiffies, low 32 bits) and the receive queue come in, the reason under which the packet
 * leaves comes out. A reason that hands over comes with its credit claimed.
 *
 * In two parts. The front needs the source address alone and is all that a banned packet meets: the link and IP headers, breaker,
 * allow list, bans. A plain packet (bpf/lib/plain.h) that nothing else waits for is done with there. All others are parsed whole and
 * judged by the rest, which the kernel verifies by itself.
 */
#ifndef GABION_PIPELINE_H
#define GABION_PIPELINE_H

#include "front.h"
#include "lib/arrival.h"
#include "lib/count.h"
#include "lib/flood.h"
#include "lib/mark.h"
#include "lib/parse.h"
#include "lib/trigger.h"
#include "stage/amplification.h"
#include "stage/breaker.h"
#include "stage/caps.h"
#include "stage/connection.h"
#include "stage/destination.h"
#include "stage/handover.h"
#include "stage/quarantine.h"
#include "stage/sampler.h"
#include "stage/source.h"
#include "stage/syn.h"
#include "stage/validation.h"

/*
 * Inline mode: whether the other port is there. The program says beforehand how to ask; whoever only judges packets takes it for
 * granted.
 */
#ifndef GABION_WAY_OUT
#define GABION_WAY_OUT() 1
#endif

/* Chosen for a worker, or what is `judged` already: CLEAN, or the reason for which the packet is dropped. */
GABION_INLINE __u32 gabion_choose(const struct gabion_packet *packet, const struct gabion_tables *tables,
				  struct gabion_cpu *cpu, struct gabion_arrival *arrival, __u32 judged)
{
	const int dropped = judged != GABION_REASON_CLEAN;
	struct gabion_choice choice;
	__u32 reason;

	if (!gabion_has(tables, GABION_FEATURE_SAMPLER))
		return judged;
	choice = gabion_stage_sample(packet, tables, cpu, arrival, dropped);
	GABION_MARK(arrival, SAMPLER);
	if (GABION_LIKELY(!choice.reason))
		return judged;
	arrival->one_in = choice.one_in;
	arrival->instead = dropped ? judged : 0;
	reason = gabion_stage_handover(packet, tables, choice.reason, arrival->queue, arrival->now);
	GABION_MARK(arrival, CREDIT);
	return dropped && reason != choice.reason ? judged : reason;
}

GABION_OUTLINE __u32 gabion_rest(GABION_OUTLINE_TABLES GABION_FRAME *frame, struct gabion_cpu *cpu,
				 struct gabion_arrival *arrival)
{
	const __u8 *begin = gabion_frame_begin(frame), *end = gabion_frame_end(frame);
	struct gabion_packet packet;
	__u32 reason, offset;

	GABION_OUTLINE_FIND_TABLES();
	if (!cpu || !arrival)
		return GABION_REASON_CLEAN;
	offset = arrival->l3_offset & 31;
	reason = gabion_parse_ip(begin + offset, end, GABION_CAST(__u32, end - begin), offset, arrival->version,
				 &packet);
	GABION_MARK(arrival, PARSE);
	if (!reason && gabion_has(tables, GABION_FEATURE_VALIDATION)) {
		reason = gabion_stage_validation(&packet, tables, arrival);
		GABION_MARK(arrival, VALIDATION);
	}
	if (!reason && gabion_has(tables, GABION_FEATURE_AMPLIFICATION)) {
		reason = gabion_stage_amplification(frame, &packet, tables, arrival);
		GABION_MARK(arrival, AMPLIFICATION);
	}
	if (!reason && gabion_has(tables, GABION_FEATURE_QUARANTINE) && !(arrival->allowed & GABION_SKIP_RATES)) {
		reason = gabion_stage_quarantine(&packet, tables, arrival);
		GABION_MARK(arrival, QUARANTINE);
	}
	/* before whatever drops only while a flood is on, and so would end it */
	if (!reason && gabion_has(tables, GABION_FEATURE_CAPS)) {
		gabion_count_class(&packet, tables, cpu, arrival);
		GABION_MARK(arrival, TRIGGER);
	}
	if (!reason && gabion_has(tables, GABION_FEATURE_CONNECTIONS)) {
		reason = gabion_stage_connection(frame, &packet, tables, arrival);
		GABION_MARK(arrival, CONNECTION);
	}
	if (!reason && gabion_has(tables, GABION_FEATURE_SOURCE_RATES)) {
		reason = gabion_stage_source(&packet, tables, cpu, arrival);
		GABION_MARK(arrival, RATES);
	}
	if (!reason && gabion_has(tables, GABION_FEATURE_SYN)) {
		reason = gabion_stage_syn(frame, &packet, tables, cpu, arrival);
		GABION_MARK(arrival, SYN);
	}
	if (!reason && gabion_has(tables, GABION_FEATURE_CAPS)) {
		reason = gabion_stage_caps(&packet, tables, cpu, arrival);
		GABION_MARK(arrival, CAPS);
	}
	if (!reason && gabion_has(tables, GABION_FEATURE_DESTINATIONS)) {
		reason = gabion_stage_destination(&packet, tables, cpu, arrival);
		GABION_MARK(arrival, DESTINATION);
	}
	if (!reason)
		reason = GABION_REASON_CLEAN;
	else if (!gabion_drops_by_rate(reason) || tables->control->dry_run)
		return reason;
	return gabion_choose(&packet, tables, cpu, arrival, reason);
}

/*
 * The one exit: counts the packet and says what becomes of it (enum gabion_action). *reason is the one under which it left, which is
 * DRY_RUN where a dry run spared it.
 */
GABION_INLINE __u32 gabion_leave(const struct gabion_tables *tables, struct gabion_cpu *cpu, __u32 *reason, __u32 bytes,
				 __u32 now)
{
	__u32 under = *reason & (GABION_REASON_SLOTS - 1);

	if (gabion_drops(under) && GABION_LIKELY(!tables->control->dry_run)) {
		gabion_tally(&cpu->reason[under], bytes);
		return GABION_ACTION_DROP;
	}
	if (gabion_drops(under) || (gabion_answers(under) && tables->control->dry_run)) {
		gabion_tally(&cpu->would_drop[under], bytes);
		*reason = under = GABION_REASON_DRY_RUN;
	}
	gabion_breaker_take(&cpu->breaker, &tables->control->panic, now);
	if (gabion_has(tables, GABION_FEATURE_INLINE) && !gabion_answers(under) && !gabion_hands_over(under)) {
		if (!GABION_WAY_OUT())
			*reason = under = GABION_REASON_PORT_GONE;
		gabion_tally(&cpu->reason[under], bytes);
		return under == GABION_REASON_PORT_GONE ? GABION_ACTION_DROP : GABION_ACTION_FORWARD;
	}
	gabion_tally(&cpu->reason[under], bytes);
	if (gabion_answers(under))
		return GABION_ACTION_ANSWER;
	return gabion_hands_over(under) ? GABION_ACTION_HAND_OVER : GABION_ACTION_PASS;
}

/* What XDP calls an action. */
#ifdef __bpf__
GABION_INLINE int gabion_verdict(__u32 action)
{
	if (action == GABION_ACTION_DROP)
		return XDP_DROP;
	if (action == GABION_ACTION_ANSWER)
		return XDP_TX;
	return action == GABION_ACTION_HAND_OVER || action == GABION_ACTION_FORWARD ? XDP_REDIRECT : XDP_PASS;
}
#endif

#endif
