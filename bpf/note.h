/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Notes what a packet on its way out vouches for (bpf/lib/vouch.h): the same where it leaves this host (egress.bpf.c) and where it comes from
 * what is protected behind an inline pair (inside.bpf.c). Looks at packets, changes none and drops none.
 */
#ifndef GABION_NOTE_H
#define GABION_NOTE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi/amplifier.h"
#include "abi/control.h"
#include "abi/settings.h"
#include "array.h"
#include "lib/cookie.h"
#include "lib/flood.h"
#include "lib/flow.h"
#include "lib/proof.h"
#include "lib/special.h"
#include "lib/vouch.h"

GABION_ARRAY(control, 1, struct gabion_control);
GABION_ARRAY(flows, 1, struct gabion_flow_bucket);
GABION_ARRAY(proven, 1, struct gabion_proven_bucket);

const volatile struct gabion_egress_settings gabion_egress_settings = {.ephemeral_low = 32768, .ephemeral_high = 60999};

GABION_ARRAY(amp_ports, GABION_PORT_WORDS, __u64);

static __always_inline __u32 amplifies(__u32 port)
{
	__u32 index = port >> 6;
	const __u64 *bits = bpf_map_lookup_elem(&amp_ports, &index);

	return bits && *bits >> (port & 63) & 1;
}

/* GABION_ASKS_AMPLIFIER, GABION_FROM_AMPLIFIER */
static __noinline __u32 amplifier_ports(__u32 source, __u32 destination)
{
	return amplifies(destination & 0xffff) * GABION_ASKS_AMPLIFIER |
	       amplifies(source & 0xffff) * GABION_FROM_AMPLIFIER;
}

/* The peer completed the handshake of a connection: it is who it says. */
static __always_inline void prove_peer(const struct gabion_packet *packet, const struct gabion_hash_key *key,
				       __u32 mask, __u32 now)
{
	__u64 hash = packet->ip_version == 4 ? gabion_hash4(key, packet->destination.word[0])
					     : gabion_hash6(key, packet->destination.word);
	__u32 index = gabion_hash_index(hash, mask);
	struct gabion_proven_bucket *bucket = bpf_map_lookup_elem(&proven, &index);

	if (bucket)
		gabion_proof_note(bucket, hash, now);
}

/*
 * The host's TCP holds the connection. While listeners' own cookies are out, what was not known to be complete before may have been completed
 * by a guess, and whoever can send a SYN can have its answer noted: both prove nothing. Such a flow stays one until it ends.
 */
static __always_inline __u32 kind_held(const struct gabion_control *all, __u32 noted, __u32 now)
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
__attribute__((noinline)) int keep(struct gabion_packet *packet, const struct gabion_vouch *vouch, __u32 ports)
{
	const volatile struct gabion_egress_settings *settings = &gabion_egress_settings;
	__u32 zero = 0, now = (__u32)bpf_jiffies64(), index;
	struct gabion_control *all = bpf_map_lookup_elem(&control, &zero);
	struct gabion_flow_bucket *bucket;
	struct gabion_flow_key key;
	struct gabion_vouch settled;

	if (!all || !packet || !vouch)
		return 0;
	settled = *vouch;
	if (ports & GABION_ASKS_AMPLIFIER && gabion_to_many(packet)) /* anybody of the group may answer */
		__builtin_memset(&packet->destination, 0, sizeof(packet->destination));
	key = gabion_flow_out(packet, &all->hash);
	index = key.bucket & settings->flow_mask;
	bucket = bpf_map_lookup_elem(&flows, &index);
	if (!bucket)
		return 0;
	gabion_vouch_settle(&settled, bucket, key.tag, now, all->flow_idle_ticks);
	if (settled.kind == GABION_FLOW_ESTABLISHED) {
		settled.kind = kind_held(all, gabion_flow_kind_of(bucket, key.tag, now, all->flow_idle_ticks), now);
		if (settled.kind == GABION_FLOW_ESTABLISHED)
			prove_peer(packet, &all->hash, settings->proven_mask, now);
	}
	if (settled.kind == GABION_FLOW_NONE)
		gabion_flow_refresh(bucket, key.tag, &settled, now, all->flow_idle_ticks);
	else
		gabion_flow_note(bucket, key.tag, &settled, now, all->flow_idle_ticks, !gabion_flood_any(all, now));
	return 0;
}

static __always_inline int note(struct gabion_packet *packet, const struct gabion_sender *sender)
{
	const volatile struct gabion_egress_settings *settings = &gabion_egress_settings;
	struct gabion_vouch vouch;
	__u32 ports = 0;

	if (packet->protocol == GABION_PROTOCOL_UDP)
		ports = amplifier_ports(packet->source_port, packet->destination_port);
	vouch = gabion_vouch_for(packet, sender, settings->ephemeral_low, settings->ephemeral_high, ports);
	if (vouch.kind == GABION_FLOW_NONE && !vouch.grants && !vouch.ends)
		return 0;
	return keep(packet, &vouch, ports);
}

#endif
