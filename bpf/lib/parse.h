/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a frame to a struct gabion_packet: Ethernet, up to two VLAN tags, then IPv4 (parse_ip.h: and IPv6), then the L4 header.
 * Calls nothing and reads nothing but the frame. Lengths come from the IP header, so that Ethernet padding never counts.
 *
 * Returns REASON_NONE for an IP packet that later stages should judge; NOT_IP and NEIGHBOUR for what must pass before any of
 * them; a MALFORMED reason for what Linux itself drops on the way to a socket, each with its place in the kernel beside it.
 */
#ifndef GABION_LIB_PARSE_H
#define GABION_LIB_PARSE_H

#include "parse_ip.h"

#define GABION_ETHERTYPE_IPV4	0x0800
#define GABION_ETHERTYPE_IPV6	0x86dd
#define GABION_ETHERTYPE_8021Q	0x8100
#define GABION_ETHERTYPE_8021AD 0x88a8

struct gabion_wire_ethernet {
	__u8 destination[6];
	__u8 source[6];
	__u16 type;
} GABION_WIRE;

struct gabion_wire_vlan {
	__u16 tag;
	__u16 type;
} GABION_WIRE;

GABION_INLINE int gabion_is_vlan(__u32 type)
{
	return type == GABION_ETHERTYPE_8021Q || type == GABION_ETHERTYPE_8021AD;
}

/* Steps over a VLAN tag, if there is one. Returns 0 when it is cut short: skb_vlan_untag() drops that. */
GABION_INLINE int gabion_parse_vlan(struct gabion_cursor *cursor, struct gabion_packet *packet, __u32 *type)
{
	const struct gabion_wire_vlan *vlan;

	if (!gabion_is_vlan(*type))
		return 1;
	vlan = GABION_AT(struct gabion_wire_vlan, gabion_take(cursor, sizeof(*vlan)));
	if (!vlan)
		return 0;
	*type = GABION_SWAP16(vlan->type);
	packet->vlan_tags = GABION_CAST(__u16, packet->vlan_tags + 1);
	return 1;
}

/*
 * What a third tag makes of the frame. Linux takes off priority tags (VLAN 0), however many there are (check_vlan_id in
 * __netif_receive_skb_core()), so that behind them any source could pass unseen; no switch stacks them.
 */
GABION_INLINE __u32 gabion_parse_third_tag(const __u8 *begin, const __u8 *end)
{
	const struct gabion_wire_vlan *tags =
		GABION_AT(struct gabion_wire_vlan, begin + sizeof(struct gabion_wire_ethernet));
	const __u16 id_bits = GABION_SWAP16(0x0fff);

	if (begin + sizeof(struct gabion_wire_ethernet) + 3 * sizeof(*tags) > end)
		return GABION_REASON_MALFORMED_ETHERNET;
	if (!(tags[0].tag & id_bits) || !(tags[1].tag & id_bits) || !(tags[2].tag & id_bits))
		return GABION_REASON_MALFORMED_ETHERNET;
	return GABION_REASON_NOT_IP;
}

/* `begin` to `end` is what may be read; `length` what the frame has, which is more when only its head is in reach (skb). */
GABION_INLINE __u32 gabion_parse(const __u8 *begin, const __u8 *end, __u32 length, struct gabion_packet *packet)
{
	struct gabion_cursor cursor = {begin, end, length, 0};
	const struct gabion_wire_ethernet *ethernet;
	__u32 type, tags;

	__builtin_memset(packet, 0, sizeof(*packet));
	packet->frame_length = length;
	/* eth_type_trans() needs a whole header; drivers and packet sockets refuse less */
	ethernet = GABION_AT(struct gabion_wire_ethernet, gabion_take(&cursor, sizeof(*ethernet)));
	if (!ethernet)
		return GABION_REASON_MALFORMED_ETHERNET;
	type = GABION_SWAP16(ethernet->type);
	for (tags = 0; tags < GABION_VLAN_TAGS_MAX; tags++)
		if (!gabion_parse_vlan(&cursor, packet, &type))
			return GABION_REASON_MALFORMED_ETHERNET;
	packet->l3_offset = GABION_CAST(__u16, cursor.offset);
	if (type == GABION_ETHERTYPE_IPV4)
		return gabion_parse_ipv4(&cursor, packet);
	if (type == GABION_ETHERTYPE_IPV6)
		return gabion_parse_ipv6(&cursor, packet);
	if (gabion_is_vlan(type))
		return gabion_parse_third_tag(begin, end);
	return GABION_REASON_NOT_IP;
}

#endif
