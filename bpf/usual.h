/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The usual packet from inside: plain, and of a flow that is noted as what it says. It leaves the same note as by the whole way (note.h),
 * which it need not go.
 */
#ifndef GABION_USUAL_H
#define GABION_USUAL_H

#include "lib/parse.h"
#include "lib/plain.h"
#include "note.h"

enum gabion_usual {
	GABION_USUAL_NO,
	GABION_USUAL_SILENT, /* it vouches for nothing */
	GABION_USUAL_FLOW,   /* if its flow is noted, it is one */
};

/* `plain`: GABION_PLAIN_*; `at`: the L4 header. Before the flow is looked for: most of what servers answer by UDP says nothing. */
GABION_INLINE enum gabion_usual gabion_usual_ports(GABION_NOTEBOOK __u32 plain, const __u8 *at, const __u8 *end)
{
	const volatile struct gabion_egress_settings *settings = GABION_NOTE_SETTINGS();
	const struct gabion_wire_udp *udp = GABION_AT(struct gabion_wire_udp, at);

	if (at + sizeof(*udp) > end)
		return GABION_USUAL_NO;
	if (plain == GABION_PLAIN_TCP)
		return GABION_USUAL_FLOW;
	if (plain != GABION_PLAIN_UDP || gabion_amplifies(GABION_GIVE_NOTEBOOK GABION_SWAP16(udp->destination_port)))
		return GABION_USUAL_NO;
	return gabion_vouch_asks(GABION_SWAP16(udp->source_port), settings->ephemeral_low, settings->ephemeral_high)
		       ? GABION_USUAL_FLOW
		       : GABION_USUAL_SILENT;
}

GABION_INLINE __u32 gabion_wire_ports(const __u8 *at)
{
	const struct gabion_wire_udp *udp = GABION_AT(struct gabion_wire_udp, at);

	return gabion_flow_ports(GABION_SWAP16(udp->source_port), GABION_SWAP16(udp->destination_port));
}

GABION_INLINE int gabion_usual_flow(GABION_NOTEBOOK __u32 plain, const __u8 *at, const struct gabion_flow_key *key,
				    const struct gabion_control *all)
{
	struct gabion_flow_bucket *bucket = gabion_noted_at(flows, key->bucket & GABION_NOTE_SETTINGS()->flow_mask);
	const struct gabion_wire_tcp *tcp = GABION_AT(struct gabion_wire_tcp, at);
	const struct gabion_vouch request = gabion_vouch_request();
	__u32 now = GABION_NOTE_NOW();

	if (!bucket)
		return 0;
	if (plain == GABION_PLAIN_UDP)
		return gabion_flow_asks_on(bucket, key->tag, &request, now, all->flow_idle_ticks);
	return gabion_flow_sends_on(bucket, key->tag, GABION_SWAP32(tcp->sequence), GABION_SWAP32(tcp->acknowledgment),
				    now);
}

GABION_INLINE int gabion_usual4(GABION_NOTEBOOK const struct gabion_wire_ipv4 *ip, const __u8 *end,
				const struct gabion_control *all)
{
	const __u8 *at = GABION_AT(__u8, ip + 1);
	struct gabion_flow_key key;
	enum gabion_usual usual;
	__u32 plain;

	if (at > end || !gabion_ipv4_sound(ip, GABION_CAST(__u32, end - GABION_AT(__u8, ip))))
		return 0;
	plain = gabion_plain4(ip, end);
	usual = gabion_usual_ports(GABION_GIVE_NOTEBOOK plain, at, end);
	if (usual != GABION_USUAL_FLOW)
		return usual == GABION_USUAL_SILENT;
	key = gabion_flow_key4(ip->source, ip->destination, gabion_wire_ports(at), ip->protocol, &all->hash);
	return gabion_usual_flow(GABION_GIVE_NOTEBOOK plain, at, &key, all);
}

GABION_INLINE int gabion_usual6(GABION_NOTEBOOK const struct gabion_wire_ipv6 *ip, const __u8 *end,
				const struct gabion_control *all)
{
	const __u8 *at = GABION_AT(__u8, ip + 1);
	struct gabion_address local, remote;
	struct gabion_flow_key key;
	enum gabion_usual usual;
	__u32 plain;

	if (at > end || !gabion_ipv6_sound(ip, GABION_CAST(__u32, end - GABION_AT(__u8, ip))))
		return 0;
	plain = gabion_plain6(ip, end);
	usual = gabion_usual_ports(GABION_GIVE_NOTEBOOK plain, at, end);
	if (usual != GABION_USUAL_FLOW)
		return usual == GABION_USUAL_SILENT;
	__builtin_memcpy(local.word, ip->source, sizeof(ip->source));
	__builtin_memcpy(remote.word, ip->destination, sizeof(ip->destination));
	key = gabion_flow_key6(local.word, remote.word, gabion_wire_ports(at), ip->next, &all->hash);
	return gabion_usual_flow(GABION_GIVE_NOTEBOOK plain, at, &key, all);
}

/* Whether the packet was one, and is noted. */
GABION_INLINE int gabion_note_usual(GABION_NOTEBOOK const __u8 *begin, const __u8 *end)
{
	const struct gabion_wire_ethernet *ethernet = GABION_AT(struct gabion_wire_ethernet, begin);
	const struct gabion_control *all = gabion_noted_at(control, 0);
	__u32 type;

	if (!all || begin + sizeof(*ethernet) > end)
		return 0;
	type = GABION_SWAP16(ethernet->type);
	if (type == GABION_ETHERTYPE_IPV4)
		return gabion_usual4(GABION_GIVE_NOTEBOOK GABION_AT(struct gabion_wire_ipv4, ethernet + 1), end, all);
	if (type == GABION_ETHERTYPE_IPV6)
		return gabion_usual6(GABION_GIVE_NOTEBOOK GABION_AT(struct gabion_wire_ipv6, ethernet + 1), end, all);
	return 0;
}

#endif
