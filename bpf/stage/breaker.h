/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The panic breaker: the last resort when more comes in than the host can take. A token bucket for each CPU, refilled by the tick
 * and not by the second. It decides here, at the start; tokens are taken at the exit (gabion_breaker_take) and only by packets
 * that go on, so that what bans drop costs none.
 *
 * Tripped (`auto`: the bucket is empty; `on`: always) it drops each packet of a source that is not protected at random, with the
 * configured probability. One trip is counted when no packet met a tripped breaker within the second before.
 */
#ifndef GABION_STAGE_BREAKER_H
#define GABION_STAGE_BREAKER_H

#include "../lib/bucket.h"
#include "../lib/known.h"
#include "../lib/random.h"
#include "allow.h"

GABION_INLINE void gabion_breaker_refill(struct gabion_breaker *breaker, const struct gabion_panic_control *panic,
					 __u32 now)
{
	if (GABION_LIKELY(breaker->refilled_at == now))
		return;
	breaker->tokens = gabion_refilled(breaker->tokens, gabion_read64(&panic->rate), gabion_read64(&panic->depth),
					  breaker->refilled_at ? now - breaker->refilled_at : ~0u);
	breaker->refilled_at = now;
}

/* "Maybe" is enough: such a packet goes on to the stages that know for sure. */
GABION_OUTLINE __u32 gabion_protected(GABION_OUTLINE_TABLES const struct gabion_address *source, __u32 version,
				      __u64 hash)
{
	struct gabion_cover cover = {GABION_NULL, 0};

	GABION_OUTLINE_FIND_TABLES();
	if (!source)
		return 0;
	if (gabion_maybe_allowed(version, tables, hash) || gabion_known(tables, hash))
		return 1;
	return gabion_allow_prefix(&cover, source->word, version, tables, 0) != 0;
}

GABION_INLINE void gabion_breaker_mark(struct gabion_breaker *breaker, __u32 now, __u32 hz)
{
	if (!breaker->trips || now - breaker->tripped_at > hz)
		breaker->trips++;
	breaker->tripped = 1;
	breaker->tripped_at = now;
}

/* The bucket is filled up only when it seems empty, and at the exit: what a ban drops pays one comparison. */
GABION_INLINE __u32 gabion_stage_breaker(const struct gabion_address *source, __u32 version,
					 const struct gabion_tables *tables, struct gabion_cpu *cpu, __u64 hash,
					 __u32 now)
{
	const struct gabion_panic_control *panic = &tables->control->panic;
	__u64 trips_below = gabion_read64(&panic->trips_below);

	if (GABION_LIKELY(cpu->breaker.tokens >= trips_below))
		return GABION_REASON_NONE;
	gabion_breaker_refill(&cpu->breaker, panic, now);
	if (cpu->breaker.tokens >= trips_below)
		return GABION_REASON_NONE;
	gabion_breaker_mark(&cpu->breaker, now, GABION_SETTINGS(tables).hz);
	if (gabion_protected(GABION_GIVE_TABLES(tables) source, version, hash))
		return GABION_REASON_NONE;
	cpu->breaker.met++;
	return gabion_random(&cpu->sampler.random) < gabion_read32(&panic->drop_threshold) ? GABION_REASON_BREAKER
											   : GABION_REASON_NONE;
}

/* A packet goes on: it takes a token, if there is one. */
GABION_INLINE void gabion_breaker_take(struct gabion_breaker *breaker, const struct gabion_panic_control *panic,
				       __u32 now)
{
	__u64 trips_below = gabion_read64(&panic->trips_below);

	if (GABION_UNLIKELY(breaker->tripped) && breaker->tokens >= trips_below)
		breaker->tripped = 0;
	if (!trips_below)
		return;
	gabion_breaker_refill(breaker, panic, now);
	breaker->tokens -= breaker->tokens < GABION_TOKEN ? breaker->tokens : GABION_TOKEN;
}

#endif
