/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sampler: which packets a worker gets to see. Suspicious ones always; of the others one in so many, as few as the CPU's budget
 * for a period demands: the ratio follows what the last period saw, doubles at once when this one sees twice what was
 * expected, and at most halves from one period to the next. Every packet of a period is chosen with the ratio then in force,
 * which travels with it, so that estimates made from samples are not biased. What is dropped since too much of its kind comes, rather
 * than for what it is, is drawn like what passes: the detectors must see a flood that is held.
 */
#ifndef GABION_STAGE_SAMPLER_H
#define GABION_STAGE_SAMPLER_H

#include "../abi/reason.h"
#include "../lib/arrival.h"
#include "../lib/random.h"
#include "../lib/sets.h"

/* Why the packet was chosen, if it was: GABION_REASON_SAMPLED, _SUSPICIOUS, _INSPECTED or _NONE, and how many packets it stands for. */
struct gabion_choice {
	__u32 reason;
	__u32 one_in;
};

/* The ratio that fits what the last period saw; a rest of several periods halves it for each. */
GABION_INLINE __u32 gabion_next_one_in(const struct gabion_sampler *sampler,
				       const struct gabion_sampling_control *sampling, __u32 elapsed)
{
	__u32 budget = sampling->budget ? sampling->budget : 1,
	      period = sampling->period_ticks ? sampling->period_ticks : 1;
	__u32 periods = elapsed / period, seen = sampler->seen;
	__u32 fits = seen / budget + (seen % budget != 0), floor;

	floor = !periods || periods > 31 ? 0 : (sampler->one_in + 1) / 2 >> (periods - 1);
	if (periods > 1)
		fits = 1; /* the period before this one saw nothing */
	if (fits < floor)
		fits = floor;
	if (fits < 1)
		fits = 1;
	return fits > sampling->one_in ? sampling->one_in : fits;
}

/* The ratio in force for this packet, which is counted. */
GABION_INLINE __u32 gabion_one_in(struct gabion_sampler *sampler, const struct gabion_sampling_control *sampling,
				  __u32 now)
{
	__u32 elapsed = now - sampler->period_at, one_in;

	if (GABION_UNLIKELY(elapsed >= sampling->period_ticks || !sampler->one_in)) {
		sampler->one_in = gabion_next_one_in(sampler, sampling, elapsed);
		sampler->period_at = now;
		sampler->seen = 0;
	}
	one_in = sampler->one_in > sampling->one_in ? sampling->one_in : sampler->one_in;
	sampler->seen++;
	if (GABION_UNLIKELY(sampler->seen > 2ull * sampling->budget * one_in) && one_in < sampling->one_in)
		sampler->one_in = one_in * 2 > sampling->one_in ? sampling->one_in : one_in * 2;
	return one_in;
}

GABION_OUTLINE __u32 gabion_watched(GABION_OUTLINE_TABLES const struct gabion_packet *packet, __u64 hash, __u32 now)
{
	struct gabion_cover cover = {GABION_NULL, 0};

	GABION_OUTLINE_FIND_TABLES();
	if (!packet)
		return 0;
	return gabion_watch_exact(packet->source.word, packet->ip_version, tables, hash, now) ||
	       gabion_watch_prefix(&cover, packet->source.word, packet->ip_version, tables, now);
}

GABION_INLINE int gabion_suspicious(const struct gabion_packet *packet, const struct gabion_tables *tables, __u64 hash,
				    __u32 now)
{
	if (packet->flags & GABION_PACKET_ODD)
		return 1;
	return gabion_watch_any(packet->ip_version, tables) &&
	       gabion_watched(GABION_GIVE_TABLES(tables) packet, hash, now);
}

/*
 * Draws: whether the packet is a sample, and then of how many; else 0. `thicker`: the ratio that the destination's posture asks
 * for, 0 = none.
 */
GABION_INLINE __u32 gabion_draw(const struct gabion_tables *tables, struct gabion_cpu *cpu, __u32 thicker, __u32 now)
{
	const struct gabion_sampling_control *sampling = &tables->control->sampling;
	__u32 one_in = sampling->one_in ? gabion_one_in(&cpu->sampler, sampling, now) : 0;

	if (thicker && (!one_in || thicker < one_in))
		one_in = thicker;
	if (!one_in)
		return 0;
	/* random * one_in < 2^32 has a probability of 1 / one_in, to within one_in / 2^32 */
	return one_in == 1 || GABION_CAST(__u64, gabion_random(&cpu->sampler.random)) * one_in >> 32 == 0 ? one_in : 0;
}

/* `dropped`: that is judged already; else the packet passes. */
GABION_INLINE struct gabion_choice gabion_stage_sample(const struct gabion_packet *packet,
						       const struct gabion_tables *tables, struct gabion_cpu *cpu,
						       const struct gabion_arrival *arrival, int dropped)
{
	struct gabion_choice choice = {GABION_REASON_NONE, 1};
	__u32 one_in = arrival->drawn;

	if (!one_in && !dropped && gabion_suspicious(packet, tables, arrival->hash, arrival->now)) {
		choice.reason = GABION_REASON_SUSPICIOUS;
		return choice;
	}
	if (!one_in)
		one_in = gabion_draw(tables, cpu, arrival->posture, arrival->now);
	if (one_in) {
		choice.reason = dropped ? GABION_REASON_INSPECTED : GABION_REASON_SAMPLED;
		choice.one_in = one_in;
	}
	return choice;
}

#endif
