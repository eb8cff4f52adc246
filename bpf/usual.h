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

/* Where such a flow is noted; NULL: it is none. */
GABION_INLINE struct gabion_flow_bucket *gabion_usual_bucket(GABION_NOTEBOOK const struct gabion_flow_key *key)
{
	return gabion_noted_at(flows, key->bucket & GABION_NOTE_SETTINGS()->flow_mask);
}

/* UDP from a port that is none of queries, to one that is none of amplifiers, vouches for nothing. */
GABION_INLINE int gabion_usual_udp(GABION_NOTEBOOK const struct gabion_flow_key *key, __u32 source_port,
				   __u32 destination_port, const struct gabion_control *all)
{
	const volatile struct gabion_egress_settings *settings = GABION_NOTE_SETTINGS();
	const struct gabion_vouch request = gabion_vouch_request();
	struct gabion_flow_bucket *bucket;

	if (gabion_amplifies(GABION_GIVE_NOTEBOOK destination_port))
		return 0;
	if (source_port < settings->ephemeral_low || source_port > settings->ephemeral_high)
		return 1;
	bucket = gabion_usual_bucket(GABION_GIVE_NOTEBOOK key);
	return bucket && gabion_flow_asks_on(bucket, key->tag, &request, GABION_NOTE_NOW(), all->flow_idle_ticks);
}

/* `plain`: GABION_PLAIN_*; `at`: the L4 header, which is there. */
GABION_INLINE int gabion_usual_l4(GABION_NOTEBOOK __u32 plain, const __u8 *at, const struct gabion_flow_key *key,
				  const struct gabion_control *all)
{
	const struct gabion_wire_tcp *tcp = GABION_AT(struct gabion_wire_tcp, at);
	struct gabion_flow_bucket *bucket;

	if (plain == GABION_PLAIN_UDP)
		return gabion_usual_udp(GABION_GIVE_NOTEBOOK key, GABION_SWAP16(tcp->source_port),
					GABION_SWAP16(tcp->destination_port), all);
	bucket = gabion_usual_bucket(GABION_GIVE_NOTEBOOK key);
	return bucket && gabion_flow_sends_on(bucket, key->tag, GABION_SWAP32(tcp->sequence),
					      GABION_SWAP32(tcp->acknowledgment), GABION_NOTE_NOW());
}

GABION_INLINE __u32 gabion_wire_ports(const __u8 *at)
{
	const struct gabion_wire_udp *udp = GABION_AT(struct gabion_wire_udp, at);

	return gabion_flow_ports(GABION_SWAP16(udp->source_port), GABION_SWAP16(udp->destination_port));
}

GABION_INLINE int gabion_usual4(GABION_NOTEBOOK const struct gabion_wire_ipv4 *ip, const __u8 *end,
				const struct gabion_control *all)
{
	const __u8 *at = GABION_AT(__u8, ip + 1);
	struct gabion_flow_key key;
	__u32 plain;

	if (at > end || !gabion_ipv4_sound(ip, GABION_CAST(__u32, end - GABION_AT(__u8, ip))))
		return 0;
	plain = gabion_plain4(ip, end);
	if ((plain != GABION_PLAIN_TCP && plain != GABION_PLAIN_UDP) || at + sizeof(struct gabion_wire_udp) > end)
		return 0;
	key = gabion_flow_key4(ip->source, ip->destination, gabion_wire_ports(at), ip->protocol, &all->hash);
	return gabion_usual_l4(GABION_GIVE_NOTEBOOK plain, at, &key, all);
}

GABION_INLINE int gabion_usual6(GABION_NOTEBOOK const struct gabion_wire_ipv6 *ip, const __u8 *end,
				const struct gabion_control *all)
{
	const __u8 *at = GABION_AT(__u8, ip + 1);
	struct gabion_address local, remote;
	struct gabion_flow_key key;
	__u32 plain;

	if (at > end || !gabion_ipv6_sound(ip, GABION_CAST(__u32, end - GABION_AT(__u8, ip))))
		return 0;
	plain = gabion_plain6(ip, end);
	if ((plain != GABION_PLAIN_TCP && plain != GABION_PLAIN_UDP) || at + sizeof(struct gabion_wire_udp) > end)
		return 0;
	__builtin_memcpy(local.word, ip->source, sizeof(ip->source));
	__builtin_memcpy(remote.word, ip->destination, sizeof(ip->destination));
	key = gabion_flow_key6(local.word, remote.word, gabion_wire_ports(at), ip->next, &all->hash);
	return gabion_usual_l4(GABION_GIVE_NOTEBOOK plain, at, &key, all);
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
