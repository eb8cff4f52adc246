/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Notes what a packet on its way out vouches for (bpf/lib/vouch.h): the same where it leaves this host (egress.bpf.c) and where it comes from
 * what is protected behind an inline pair (inside.bpf.c, or a port that another backend polls). Looks at packets, changes none and drops none.
 */
#ifndef GABION_NOTE_H
#define GABION_NOTE_H

#include "abi/amplifier.h"
#include "abi/control.h"
#include "abi/settings.h"
#include "lib/cookie.h"
#include "lib/flood.h"
#include "lib/flow.h"
#include "lib/proof.h"
#include "lib/special.h"
#include "lib/vouch.h"

#ifdef __bpf__

#include "array.h"

GABION_ARRAY(control, 1, struct gabion_control);
GABION_ARRAY(flows, 1, struct gabion_flow_bucket);
GABION_ARRAY(proven, 1, struct gabion_proven_bucket);
GABION_ARRAY(amp_ports, GABION_PORT_WORDS, __u64);

const volatile struct gabion_egress_settings gabion_egress_settings = {.ephemeral_low = 32768, .ephemeral_high = 60999};

/* The four maps have names; whoever needs them finds them. */
#define GABION_NOTEBOOK
#define GABION_GIVE_NOTEBOOK
#define GABION_NOTE_SETTINGS() (&gabion_egress_settings)
#ifndef GABION_NOTE_NOW
#define GABION_NOTE_NOW() ((__u32)bpf_jiffies64())
#endif
#define gabion_noted_at(name, index)                                                                                   \
	({                                                                                                             \
		__u32 gabion_index = (index);                                                                          \
		bpf_map_lookup_elem(&name, &gabion_index);                                                             \
	})

#else

#include "lib/tables.h"

/* What the maps' names and the clock are in the kernel. */
struct gabion_notebook {
	const struct gabion_tables *tables;
	const struct gabion_egress_settings *settings;
	__u32 now; /* tick */
};

#define GABION_NOTEBOOK		     const struct gabion_notebook *notebook,
#define GABION_GIVE_NOTEBOOK	     notebook,
#define GABION_NOTE_SETTINGS()	     (notebook->settings)
#define GABION_NOTE_NOW()	     (notebook->now)
#define gabion_noted_at(name, index) (notebook->tables->name + (index))

#endif

GABION_INLINE __u32 gabion_amplifies(GABION_NOTEBOOK __u32 port)
{
	const __u64 *bits = gabion_noted_at(amp_ports, port >> 6);

	return bits && *bits >> (port & 63) & 1;
}

/* GABION_ASKS_AMPLIFIER, and then GABION_FROM_AMPLIFIER, which is of interest for nothing else. */
GABION_OUTLINE_HERE __u32 gabion_amplifier_ports(GABION_NOTEBOOK __u32 source, __u32 destination)
{
	if (GABION_LIKELY(!gabion_amplifies(GABION_GIVE_NOTEBOOK destination & 0xffff)))
		return 0;
	return GABION_ASKS_AMPLIFIER | gabion_amplifies(GABION_GIVE_NOTEBOOK source & 0xffff) * GABION_FROM_AMPLIFIER;
}

/* The peer completed the handshake of a connection: it is who it says. */
GABION_INLINE void gabion_prove_peer(GABION_NOTEBOOK const struct gabion_packet *packet,
				     const struct gabion_hash_key *key, __u32 mask, __u32 now)
{
	__u64 hash = packet->ip_version == 4 ? gabion_hash4(key, packet->destination.word[0])
					     : gabion_hash6(key, packet->destination.word);
	struct gabion_proven_bucket *bucket = gabion_noted_at(proven, gabion_hash_index(hash, mask));

	if (bucket)
		gabion_proof_note(bucket, hash, now);
}

/*
 * The host's TCP holds the connection. While listeners' own cookies are out, what was not known to be complete before may have been completed
 * by a guess, and whoever can send a SYN can have its answer noted: both prove nothing. Such a flow stays one until it ends.
 */
GABION_INLINE __u32 gabion_kind_held(const struct gabion_control *all, __u32 noted, __u32 now)
{
	if (noted == GABION_FLOW_COOKIE ||
	    (noted < GABION_FLOW_COMPLETE && gabion_listener_cookies_out(&all->syn, now)))
		return GABION_FLOW_COOKIE;
	return GABION_FLOW_ESTABLISHED;
}

/*
 * Keeps what is vouched for. Like the next one it is verified by itself, once, not behind each way through the parser.
 * `ports`: GABION_ASKS_AMPLIFIER, GABION_FROM_AMPLIFIER.
 */
GABION_OUTLINE int gabion_keep(GABION_NOTEBOOK struct gabion_packet *packet, const struct gabion_vouch *vouch,
			       __u32 ports)
{
	const volatile struct gabion_egress_settings *settings = GABION_NOTE_SETTINGS();
	struct gabion_control *all = gabion_noted_at(control, 0);
	__u32 now = GABION_NOTE_NOW();
	struct gabion_flow_bucket *bucket;
	struct gabion_flow_key key;
	struct gabion_vouch settled;

	if (!all || !packet || !vouch)
		return 0;
	if (ports & GABION_ASKS_AMPLIFIER && gabion_to_many(packet)) /* anybody of the group may answer */
		__builtin_memset(&packet->destination, 0, sizeof(packet->destination));
	key = gabion_flow_out(packet, &all->hash);
	bucket = gabion_noted_at(flows, key.bucket & settings->flow_mask);
	if (!bucket)
		return 0;
	settled = *vouch;
	gabion_vouch_settle(&settled, bucket, key.tag, now, all->flow_idle_ticks);
	if (settled.kind == GABION_FLOW_ESTABLISHED) {
		settled.kind =
			gabion_kind_held(all, gabion_flow_kind_of(bucket, key.tag, now, all->flow_idle_ticks), now);
		if (settled.kind == GABION_FLOW_ESTABLISHED)
			gabion_prove_peer(GABION_GIVE_NOTEBOOK packet, &all->hash, settings->proven_mask, now);
	}
	if (settled.kind == GABION_FLOW_NONE)
		gabion_flow_refresh(bucket, key.tag, &settled, now, all->flow_idle_ticks);
	else
		gabion_flow_note(bucket, key.tag, &settled, now, all->flow_idle_ticks, !gabion_flood_any(all, now));
	return 0;
}

GABION_INLINE int gabion_note(GABION_NOTEBOOK struct gabion_packet *packet, const struct gabion_sender *sender)
{
	const volatile struct gabion_egress_settings *settings = GABION_NOTE_SETTINGS();
	struct gabion_vouch vouch;
	__u32 ports = 0;

	if (packet->protocol == GABION_PROTOCOL_UDP)
		ports = gabion_amplifier_ports(GABION_GIVE_NOTEBOOK packet->source_port, packet->destination_port);
	vouch = gabion_vouch_for(packet, sender, settings->ephemeral_low, settings->ephemeral_high, ports);
	if (vouch.kind == GABION_FLOW_NONE && !vouch.grants && !vouch.ends)
		return 0;
	return gabion_keep(GABION_GIVE_NOTEBOOK packet, &vouch, ports);
}

#endif
