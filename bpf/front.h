/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pipeline's first part (pipeline.h): the link and IP headers and what needs the source address alone, which is all that a banned
 * packet meets. A plain packet that nothing else waits for is done with here.
 */
#ifndef GABION_FRONT_H
#define GABION_FRONT_H

#include "lib/arrival.h"
#include "lib/count.h"
#include "lib/flood.h"
#include "lib/mark.h"
#include "lib/parse.h"
#include "lib/plain.h"
#include "lib/trigger.h"
#include "stage/allow.h"
#include "stage/bans.h"
#include "stage/breaker.h"
#include "stage/mac.h"
#include "stage/sampler.h"
#include "stage/suspect.h"

/*
 * The stages that judge a packet by its source alone. `version` is known when this is compiled. Fills in the arrival, but for `now`, of
 * a packet that goes on.
 */
GABION_INLINE __u32 gabion_judge_source(const struct gabion_address *source, __u32 version, __u32 l3_offset,
					const struct gabion_tables *tables, struct gabion_cpu *cpu,
					struct gabion_arrival *arrival)
{
	__u32 reason = GABION_REASON_NONE, allowed = 0, now = arrival->now;
	struct gabion_cover cover = {GABION_NULL, 0};
	const __u32 features = GABION_SETTINGS(tables).features;
	__u64 hash = version == 4 ? gabion_hash4(&tables->control->hash, source->word[0])
				  : gabion_hash6(&tables->control->hash, source->word);

	GABION_MARK(arrival, SOURCE);
	if (features & GABION_FEATURE_BREAKER) {
		reason = gabion_stage_breaker(source, version, tables, cpu, hash, now);
		GABION_MARK(arrival, BREAKER);
	}
	if (!reason && features & GABION_FEATURE_ALLOW) {
		reason = gabion_stage_allow(source, version, tables, hash, &cover, &allowed);
		GABION_MARK(arrival, ALLOW);
	}
	if (!reason && features & GABION_FEATURE_BANS && !(allowed & GABION_SKIP_BANS)) {
		reason = gabion_stage_bans(source, version, tables, cpu, hash, &cover, now);
		GABION_MARK(arrival, BANS);
	}
	if (reason)
		return reason;
	arrival->hash = hash;
	arrival->l3_offset = GABION_CAST(__u16, l3_offset);
	arrival->version = GABION_CAST(__u16, version);
	arrival->allowed = allowed;
	arrival->posture = arrival->drawn = arrival->vouched = arrival->counted = 0;
	arrival->timed = GABION_TIMED(arrival);
	arrival->one_in = 1;
	arrival->suspect = GABION_SUSPECT_ALL;
	return GABION_REASON_NONE;
}

/* Neighbour discovery, which is told by what comes after the IP header, passes before anything that could drop it. */
GABION_OUTLINE __u32 gabion_neighbour(GABION_FRAME *frame, __u32 offset)
{
	const __u8 *begin = gabion_frame_begin(frame), *end = gabion_frame_end(frame);
	struct gabion_packet packet;

	offset &= 31;
	return gabion_parse_ip(begin + offset, end, GABION_CAST(__u32, end - begin), offset, 6, &packet) ==
	       GABION_REASON_NEIGHBOUR;
}

/*
 * Whether a plain packet is done with: no stage of the rest has anything to look for in it, and it is no sample. Else it goes the
 * whole way, with what was drawn. `plain`: GABION_PLAIN_*.
 */
GABION_INLINE int gabion_done(__u32 plain, __u32 version, const struct gabion_tables *tables, struct gabion_cpu *cpu,
			      struct gabion_arrival *arrival)
{
	if (arrival->suspect || gabion_quar_any(version, tables) || gabion_watch_any(version, tables) ||
	    gabion_read32(&tables->control->destinations) || gabion_flood_any(tables->control, arrival->now) ||
	    (gabion_has(tables, GABION_FEATURE_SOURCE_RATES) && gabion_read32(&tables->control->caps.sources)))
		return 0;
	if (gabion_has(tables, GABION_FEATURE_SYN) && plain == GABION_PLAIN_TURN) /* a SYN, perhaps */
		return 0;
	if (gabion_has(tables, GABION_FEATURE_CAPS) && !gabion_passes_caps(plain, tables, cpu, arrival))
		return 0;
	if (gabion_has(tables, GABION_FEATURE_SAMPLER))
		arrival->drawn = gabion_draw(tables, cpu, 0, arrival->now);
	GABION_MARK(arrival, PLAIN);
	return !arrival->drawn;
}

GABION_INLINE __u32 gabion_front4(const __u8 *at, const __u8 *end, __u32 l3_offset, const struct gabion_tables *tables,
				  struct gabion_cpu *cpu, struct gabion_arrival *arrival)
{
	const struct gabion_wire_ipv4 *ip = GABION_AT(struct gabion_wire_ipv4, at);
	struct gabion_address source = {{0, 0, 0, 0}};
	__u32 reason, plain;

	if (at + sizeof(*ip) > end || !gabion_ipv4_sound(ip, GABION_CAST(__u32, end - at)))
		return GABION_REASON_MALFORMED_IPV4;
	source.word[0] = ip->source;
	reason = gabion_judge_source(&source, 4, l3_offset, tables, cpu, arrival);
	if (reason)
		return reason;
	plain = gabion_plain4(ip, end);
	if (GABION_LIKELY(plain)) {
		arrival->suspect = gabion_suspects4(ip, tables);
		if (gabion_done(plain, 4, tables, cpu, arrival))
			return GABION_REASON_CLEAN;
	}
	return GABION_REASON_NONE;
}

/* Out of line, so that its part of the stack is free for what comes later. */
GABION_OUTLINE_HERE __u32 gabion_front6(GABION_FRAME *frame, __u32 l3_offset, const struct gabion_tables *tables,
					struct gabion_cpu *cpu, struct gabion_arrival *arrival)
{
	const __u8 *at = gabion_frame_begin(frame) + (l3_offset & 31), *end = gabion_frame_end(frame);
	const struct gabion_wire_ipv6 *ip = GABION_AT(struct gabion_wire_ipv6, at);
	struct gabion_address source;
	__u32 reason, plain;

	if (at + sizeof(*ip) > end || !gabion_ipv6_sound(ip, GABION_CAST(__u32, end - at)))
		return GABION_REASON_MALFORMED_IPV6;
	__builtin_memcpy(source.word, ip->source, sizeof(ip->source));
	if (GABION_UNLIKELY(ip->hop_limit == 255) && gabion_neighbour(frame, l3_offset))
		return GABION_REASON_NEIGHBOUR;
	reason = gabion_judge_source(&source, 6, l3_offset, tables, cpu, arrival);
	if (reason)
		return reason;
	plain = gabion_plain6(ip, end);
	if (GABION_LIKELY(plain)) {
		arrival->suspect = gabion_suspects6(ip, tables);
		if (gabion_done(plain, 6, tables, cpu, arrival))
			return GABION_REASON_CLEAN;
	}
	return GABION_REASON_NONE;
}

/* Out of line, or its part of the stack would be missing on every way through the rest: the kernel grants 512 bytes to a chain of calls. */
GABION_OUTLINE_HERE __u32 gabion_front4_apart(GABION_FRAME *frame, __u32 l3_offset, const struct gabion_tables *tables,
					      struct gabion_cpu *cpu, struct gabion_arrival *arrival)
{
	const __u8 *begin = gabion_frame_begin(frame);

	return gabion_front4(begin + (l3_offset & 31), gabion_frame_end(frame), l3_offset, tables, cpu, arrival);
}

/* What is tagged: the reason for which it goes, or where its IP header starts and which it is. */
GABION_OUTLINE_HERE __u32 gabion_untag(GABION_FRAME *frame, __u32 *l3_offset, __u32 *type)
{
	const __u8 *begin = gabion_frame_begin(frame);
	struct gabion_link link;
	__u32 reason = gabion_parse_link(begin, gabion_frame_end(frame), &link);

	if (!reason) {
		*l3_offset = GABION_CAST(__u32, link.at - begin);
		*type = link.type;
	}
	return reason;
}

GABION_INLINE __u32 gabion_front_tagged(GABION_FRAME *frame, const struct gabion_tables *tables, struct gabion_cpu *cpu,
					struct gabion_arrival *arrival)
{
	__u32 l3_offset = 0, type = 0, reason = gabion_untag(frame, &l3_offset, &type);

	if (reason)
		return reason;
	if (type == GABION_ETHERTYPE_IPV4)
		return gabion_front4_apart(frame, l3_offset, tables, cpu, arrival);
	return gabion_front6(frame, l3_offset, tables, cpu, arrival);
}

GABION_INLINE __u32 gabion_front(GABION_FRAME *frame, const struct gabion_tables *tables, struct gabion_cpu *cpu,
				 struct gabion_arrival *arrival)
{
	const __u8 *begin = gabion_frame_begin(frame), *end = gabion_frame_end(frame);
	const struct gabion_wire_ethernet *ethernet = GABION_AT(struct gabion_wire_ethernet, begin);
	__u32 type;

	if (begin + sizeof(*ethernet) > end)
		return GABION_REASON_MALFORMED_ETHERNET;
	type = GABION_SWAP16(ethernet->type);
	GABION_MARK(arrival, LINK);
	if (gabion_has(tables, GABION_FEATURE_LINK_CONTROL) && gabion_link_control(ethernet))
		return GABION_REASON_LINK_CONTROL;
	if (gabion_has(tables, GABION_FEATURE_MAC)) {
		__u32 reason = gabion_stage_mac(frame, ethernet, tables);

		GABION_MARK(arrival, MAC);
		if (reason)
			return reason;
	}
	if (GABION_LIKELY(type == GABION_ETHERTYPE_IPV4))
		return gabion_front4_apart(frame, sizeof(*ethernet), tables, cpu, arrival);
	if (GABION_LIKELY(type == GABION_ETHERTYPE_IPV6))
		return gabion_front6(frame, sizeof(*ethernet), tables, cpu, arrival);
	if (gabion_is_vlan(type))
		return gabion_front_tagged(frame, tables, cpu, arrival);
	return GABION_REASON_NOT_IP;
}

#endif
