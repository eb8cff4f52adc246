/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pipeline, in the order in which a packet meets its stages: the same source in the kernel and on the host. The frame, the
 * tables, the CPU's own state, the time (jiffies, low 32 bits) and the receive queue come in, the reason under which the packet
 * leaves comes out. A reason that hands over comes with its credit claimed.
 */
#ifndef GABION_PIPELINE_H
#define GABION_PIPELINE_H

#include "lib/count.h"
#include "lib/parse.h"
#include "stage/allow.h"
#include "stage/bans.h"
#include "stage/breaker.h"
#include "stage/destination.h"
#include "stage/handover.h"
#include "stage/quarantine.h"
#include "stage/sampler.h"

struct gabion_input {
	const __u8 *begin;
	const __u8 *end;
	__u32 length; /* of the frame */
	__u32 now;
	__u32 queue;
};

struct gabion_output {
	__u32 reason;
	__u32 one_in; /* when handed over: packets that this one stands for */
};

GABION_INLINE int gabion_has(const struct gabion_tables *tables, __u32 feature)
{
	return (GABION_SETTINGS(tables).features & feature) != 0;
}

/* The stages that may drop a packet for its source or destination. */
GABION_INLINE __u32 gabion_enforce(const struct gabion_packet *packet, const struct gabion_tables *tables,
				   struct gabion_cpu *cpu, struct gabion_arrival *arrival)
{
	__u32 reason = GABION_REASON_NONE, now = arrival->now;
	__u64 hash = arrival->hash;

	if (gabion_has(tables, GABION_FEATURE_BREAKER))
		reason = gabion_stage_breaker(packet, tables, cpu, hash, now);
	if (!reason && gabion_has(tables, GABION_FEATURE_ALLOW))
		reason = gabion_stage_allow(packet, tables, hash, &arrival->allowed);
	if (!reason && gabion_has(tables, GABION_FEATURE_BANS) && !(arrival->allowed & GABION_SKIP_BANS))
		reason = gabion_stage_bans(packet, tables, hash, now);
	if (!reason && gabion_has(tables, GABION_FEATURE_QUARANTINE) && !(arrival->allowed & GABION_SKIP_RATES))
		reason = gabion_stage_quarantine(packet, tables, hash, now);
	if (!reason && gabion_has(tables, GABION_FEATURE_DESTINATIONS))
		reason = gabion_stage_destination(packet, tables, cpu, arrival);
	return reason;
}

GABION_INLINE struct gabion_output gabion_pipeline(const struct gabion_input *input, const struct gabion_tables *tables,
						   struct gabion_cpu *cpu)
{
	struct gabion_output output = {GABION_REASON_NONE, 1};
	struct gabion_packet packet;
	struct gabion_choice choice;
	struct gabion_arrival arrival = {.hash = 0, .allowed = 0, .now = input->now, .one_in = 0, .reserved = 0};

	output.reason = gabion_parse(input->begin, input->end, input->length, &packet);
	if (output.reason)
		return output;
	arrival.hash = gabion_source_hash(&packet, &tables->control->hash);
	output.reason = gabion_enforce(&packet, tables, cpu, &arrival);
	if (output.reason)
		return output;
	output.reason = GABION_REASON_CLEAN;
	if (!gabion_has(tables, GABION_FEATURE_SAMPLER))
		return output;
	choice = gabion_stage_sample(&packet, tables, cpu, arrival.hash, arrival.one_in, input->now);
	if (choice.reason) {
		output.reason = gabion_stage_handover(&packet, tables, choice.reason, input->queue, input->now);
		output.one_in = choice.one_in;
	}
	return output;
}

/* The one exit. Counts the packet and returns the reason under which it left, which is DRY_RUN where a dry run spared it. */
GABION_INLINE __u32 gabion_leave(const struct gabion_tables *tables, struct gabion_cpu *cpu, __u32 reason, __u32 bytes)
{
	reason &= GABION_REASON_SLOTS - 1;
	if (gabion_drops(reason) && gabion_has(tables, GABION_FEATURE_DRY_RUN) &&
	    GABION_UNLIKELY(tables->control->dry_run)) {
		gabion_tally(&cpu->would_drop[reason], bytes);
		reason = GABION_REASON_DRY_RUN;
	}
	if (!gabion_drops(reason))
		gabion_breaker_take(&cpu->breaker);
	gabion_tally(&cpu->reason[reason], bytes);
	return reason;
}

#endif
