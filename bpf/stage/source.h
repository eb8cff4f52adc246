/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rates of single sources: what is above one of them is dropped, the rest passes. While a flood is on, or always, as configured.
 *
 * Whose account a packet goes on depends on what it proves, not on the address that it bears. What nothing vouches for goes on the
 * address's open account, which anybody can use up by forging it; the address's connections have another one and do not suffer. A packet of
 * a connection, with numbers that fit it, was sent by who it says: it goes on the proven account, and that alone collects a score for
 * offences, by which the daemon may ban the source. What has only the ports of a connection right is between both and has a third.
 *
 * Flows that the host opened itself are none of this stage's business, nor are allowed sources and what keeps the network itself running;
 * those known from calm times only where rates hold always: what each of them usually sends, and no longer does, detectors know better.
 * Nor is there room for any number of new sources while a flood is on: they are let in at a rate of the whole host.
 */
#ifndef GABION_STAGE_SOURCE_H
#define GABION_STAGE_SOURCE_H

#include "../abi/reason.h"
#include "../lib/arrival.h"
#include "../lib/cell.h"
#include "../lib/flood.h"
#include "../lib/hash.h"
#include "../lib/kind.h"
#include "../lib/known.h"
#include "../lib/port_rule.h"
#include "../lib/proven.h"
#include "../lib/source.h"
#include "../lib/vouched.h"

/* What a packet proves, and with that the account that it goes on. */
enum gabion_standing {
	GABION_STANDING_NOTHING,
	GABION_STANDING_PORTS,	   /* it has those of a connection */
	GABION_STANDING_PROVEN,	   /* and numbers that fit: who sent it sees what the host sends */
	GABION_STANDING_HANDSHAKE, /* likewise, and it completes the handshake */
	GABION_STANDING_OWN,	   /* of a flow that the host opened: no account */
};

/* Whether rates hold now. */
GABION_INLINE int gabion_source_rates_hold(const struct gabion_control *control, __u32 now)
{
	return gabion_read32(&control->caps.sources) ||
	       (gabion_flood_any(control, now) && gabion_read32(&control->sources.when) == GABION_SOURCES_IN_FLOODS);
}

/* The rates that a packet counts under. */
GABION_INLINE __u32 gabion_source_rates(const struct gabion_packet *packet)
{
	const __u32 all = GABION_RATES_OF_ALL;

	switch (gabion_flood_class_of(packet)) {
	case GABION_FLOOD_TCP:
		return all | 1u << GABION_RATE_TCP;
	case GABION_FLOOD_SYN:
		return all | 1u << GABION_RATE_TCP | 1u << GABION_RATE_SYN;
	case GABION_FLOOD_UDP:
		return all | 1u << GABION_RATE_UDP;
	case GABION_FLOOD_ICMP:
		return all | 1u << GABION_RATE_ICMP;
	default:
		return all;
	}
}

/* Which set of limits holds for the packet: that of its port, or that of all. */
GABION_INLINE __u32 gabion_source_limits_of(const struct gabion_packet *packet, const struct gabion_tables *tables)
{
	return gabion_read32(&tables->control->sources.ports) ? gabion_port_rule(packet, tables) >> 8 : 0;
}

/* The set in which a hash has its place: in the second half for what is vouched for. */
GABION_INLINE __u32 gabion_source_set_of(__u64 hash, __u32 vouched, __u32 mask)
{
	return gabion_hash_index(hash, mask) + (vouched ? mask + 1 : 0);
}

/* Instead of an account: none is kept, or the source is new and nothing vouches for it; and likewise, but it is not let in. */
#define GABION_SOURCE_NO_ACCOUNT (~0u)
#define GABION_SOURCE_REFUSED	 (~1u)

/* While a flood of their kind is on, only so many new sources a second are let in. SYNs are met by their own stage. */
GABION_INLINE int gabion_source_admits(const struct gabion_tables *tables, struct gabion_cpu *cpu, __u64 hash,
				       __u32 now)
{
	return gabion_cell_has_room(tables, cpu, GABION_CELL_NEW_SOURCES, now) || gabion_known(tables, hash) ||
	       gabion_proven(tables, hash, now);
}

/*
 * A source that is not in its set takes the place of another. Not one that nothing vouches for and that is not let in, `limited`
 * being whether such are let in one by one: so it does not push out those that were. Returns the place, or one of the above.
 */
GABION_OUTLINE __u32 gabion_source_enter(GABION_OUTLINE_TABLES struct gabion_cpu *cpu, __u64 hash, __u32 index,
					 __u32 limited, __u32 now)
{
	struct gabion_source_set *set;
	__u32 place, vouched;

	GABION_OUTLINE_FIND_TABLES();
	vouched = index > GABION_SETTINGS(tables).source_mask;
	set = gabion_at(GABION_TABLE(tables, source_sets), index);
	if (!set || !cpu)
		return GABION_SOURCE_NO_ACCOUNT;
	if (!vouched) {
		cpu->lots.new_sources++;
		if (limited && !gabion_source_admits(tables, cpu, hash, now))
			return GABION_SOURCE_REFUSED;
	}
	place = gabion_source_least(set);
	gabion_source_settle(set, hash, place);
	return vouched ? place : GABION_SOURCE_NO_ACCOUNT;
}

/* Where an account is kept: index in `sources`, or one of the above. */
GABION_INLINE __u32 gabion_source_find(const struct gabion_tables *tables, struct gabion_cpu *cpu, __u64 hash,
				       __u32 vouched, __u32 limited, __u32 now)
{
	__u32 index = gabion_source_set_of(hash, vouched, GABION_SETTINGS(tables).source_mask), place;
	struct gabion_source_set *set = gabion_at(GABION_TABLE(tables, source_sets), index);

	if (!set)
		return GABION_SOURCE_NO_ACCOUNT;
	gabion_source_age(set, now, gabion_read32(&tables->control->sources.age));
	place = gabion_source_own(set, hash);
	if (GABION_LIKELY(place < GABION_SOURCE_FRESH))
		gabion_source_settle(set, hash, place);
	else
		place = gabion_source_enter(GABION_GIVE_TABLES(tables) cpu, hash, index, limited, now);
	return place < GABION_SOURCE_FRESH ? index * GABION_SOURCES_PER_SET + place : place;
}

/* Writes the offence into the ring. The number last, so that a reader knows whether the rest belongs to it. */
GABION_OUTLINE int gabion_source_tell(GABION_OUTLINE_TABLES const struct gabion_packet *packet, __u32 at, __u32 rates,
				      __u32 limits)
{
	struct gabion_offence *offence;
	struct gabion_source *source;
	__u32 number, i;

	GABION_OUTLINE_FIND_TABLES();
	source = gabion_at(GABION_TABLE(tables, sources), at);
	if (!source || !packet)
		return 0;
	number = __sync_fetch_and_add(&tables->control->sources.told, 1);
	offence = gabion_at(GABION_TABLE(tables, offences), number & (GABION_OFFENCES - 1));
	if (!offence)
		return 0;
	__sync_lock_test_and_set(&offence->number, 0);
	GABION_UNROLL
	for (i = 0; i < 4; i++)
		offence->address[i] = packet->source.word[i];
	offence->score = source->score;
	offence->seen = source->last_seen;
	offence->dropped = source->last_dropped;
	offence->ticks = source->last_ticks;
	offence->rates = GABION_CAST(__u16, rates);
	offence->ip_version = packet->ip_version;
	offence->limits = GABION_CAST(__u8, limits);
	source->score = 0;
	__sync_lock_test_and_set(&offence->number, number + 1);
	return 1;
}

/* Whoever forges an address must not keep its owner from connecting: one SYN passes above the rates in each `ticks`, as in quarantine. */
GABION_INLINE int gabion_source_syn_passes(struct gabion_source *source, const struct gabion_packet *packet, __u32 now,
					   __u32 ticks)
{
	if (gabion_flood_class_of(packet) != GABION_FLOOD_SYN || !ticks || now - source->window_at < ticks)
		return 0;
	source->window_at = now;
	return 1;
}

/*
 * Charges the packet to the account at `at`, of its source or for what it proves. Returns not 0 when it is to
 * be dropped: the bits of the rates that it is above.
 */
GABION_INLINE __u32 gabion_source_charge(const struct gabion_packet *packet, const struct gabion_tables *tables,
					 __u64 hash, __u32 at, __u32 standing, __u32 now)
{
	const struct gabion_source_control *by = &tables->control->sources;
	__u32 which = gabion_source_limits_of(packet, tables), above, rates, offences;
	struct gabion_source *source = gabion_at(GABION_TABLE(tables, sources), at);
	struct gabion_source_limits *limits;

	limits = gabion_at(GABION_TABLE(tables, source_limits), which);
	if (!source || !limits)
		return 0;
	if (source->check != gabion_source_check(hash))
		gabion_source_begin(source, hash, now);
	gabion_source_drain(source, now, by->decay);
	rates = gabion_source_rates(packet);
	if (standing < GABION_STANDING_PROVEN) {
		above = gabion_source_take(source, limits, rates, packet->frame_length);
		if (above && gabion_source_syn_passes(source, packet, now,
						      gabion_read32(&tables->control->quarantine_syn_ticks)))
			above = 0;
		return above;
	}
	offences = gabion_source_count(source, now, by->window);
	if (offences && gabion_source_score(source, offences, by->points, by->threshold))
		gabion_source_tell(GABION_GIVE_TABLES(tables) packet, at, offences, which);
	above = 0;
	if (standing == GABION_STANDING_HANDSHAKE)
		above = gabion_source_take(source, limits, 1u << GABION_RATE_CONNECTIONS, 0);
	above |= gabion_source_take(source, limits, rates, packet->frame_length);
	source->above = GABION_CAST(__u16, source->above | above);
	above &= rates;
	source->dropped += above != 0;
	return above;
}

GABION_INLINE __u32 gabion_source_standing(const struct gabion_packet *packet, const struct gabion_tables *tables,
					   struct gabion_arrival *arrival)
{
	if (!gabion_vouched(packet, tables, arrival))
		return GABION_STANDING_NOTHING;
	if (packet->protocol != GABION_PROTOCOL_TCP)
		return GABION_STANDING_OWN;
	if (arrival->vouched == GABION_BELIEF_COMPLETES)
		return GABION_STANDING_HANDSHAKE;
	return arrival->vouched == GABION_BELIEF_FITS ? GABION_STANDING_PROVEN : GABION_STANDING_PORTS;
}

GABION_OUTLINE __u32 gabion_source_look(GABION_OUTLINE_TABLES const struct gabion_packet *packet,
					struct gabion_cpu *cpu, struct gabion_arrival *arrival)
{
	enum gabion_flood_class kind;
	__u32 standing, limited, at;
	__u64 hash;

	GABION_OUTLINE_FIND_TABLES();
	if (!packet || !cpu || !arrival || gabion_kind(packet) & GABION_PACKET_CONTROL)
		return GABION_REASON_NONE;
	standing = gabion_source_standing(packet, tables, arrival);
	if (standing == GABION_STANDING_OWN)
		return GABION_REASON_NONE;
	if (standing == GABION_STANDING_HANDSHAKE)
		cpu->lots.connections++;
	/* two accounts among what is vouched for */
	hash = standing == GABION_STANDING_PORTS ? ~arrival->hash : arrival->hash;
	kind = gabion_flood_class_of(packet);
	limited = kind != GABION_FLOOD_SYN && gabion_flood_of(tables->control, kind, arrival->now);
	at = gabion_source_find(tables, cpu, hash, standing != GABION_STANDING_NOTHING, limited, arrival->now);
	if (at == GABION_SOURCE_REFUSED)
		return GABION_REASON_NEW_SOURCE;
	if (at == GABION_SOURCE_NO_ACCOUNT || !gabion_source_charge(packet, tables, hash, at, standing, arrival->now))
		return GABION_REASON_NONE;
	return GABION_REASON_SOURCE_RATE;
}

GABION_INLINE __u32 gabion_stage_source(const struct gabion_packet *packet, const struct gabion_tables *tables,
					struct gabion_cpu *cpu, struct gabion_arrival *arrival)
{
	if (GABION_LIKELY(!gabion_source_rates_hold(tables->control, arrival->now)))
		return GABION_REASON_NONE;
	if (arrival->allowed & GABION_SKIP_RATES ||
	    (!gabion_read32(&tables->control->caps.sources) && gabion_known(tables, arrival->hash)))
		return GABION_REASON_NONE;
	return gabion_source_look(GABION_GIVE_TABLES(tables) packet, cpu, arrival);
}

#endif
