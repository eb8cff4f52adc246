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

/* Where the IP header starts and which version the EtherType tells; `type` in host byte order. */
struct gabion_link {
	const __u8 *at;
	__u32 type;
};

GABION_INLINE int gabion_is_ip(__u32 type)
{
	return type == GABION_ETHERTYPE_IPV4 || type == GABION_ETHERTYPE_IPV6;
}

/* What is behind an EtherType that is not IP: tags, or something else. A tag that is cut short skb_vlan_untag() drops. */
GABION_INLINE __u32 gabion_parse_tags(const __u8 *begin, const __u8 *end, struct gabion_link *link)
{
	__u32 tags;

	for (tags = 0; tags < GABION_VLAN_TAGS_MAX && gabion_is_vlan(link->type); tags++) {
		const struct gabion_wire_vlan *vlan = GABION_AT(struct gabion_wire_vlan, link->at);

		if (link->at + sizeof(*vlan) > end)
			return GABION_REASON_MALFORMED_ETHERNET;
		link->type = GABION_SWAP16(vlan->type);
		link->at += sizeof(*vlan);
	}
	if (gabion_is_vlan(link->type))
		return gabion_parse_third_tag(begin, end);
	return gabion_is_ip(link->type) ? GABION_REASON_NONE : GABION_REASON_NOT_IP;
}

/* Ethernet and VLAN tags. eth_type_trans() needs a whole header; drivers and packet sockets refuse less. */
GABION_INLINE __u32 gabion_parse_link(const __u8 *begin, const __u8 *end, struct gabion_link *link)
{
	const struct gabion_wire_ethernet *ethernet = GABION_AT(struct gabion_wire_ethernet, begin);

	link->at = begin;
	if (begin + sizeof(*ethernet) > end)
		return GABION_REASON_MALFORMED_ETHERNET;
	link->at += sizeof(*ethernet);
	link->type = GABION_SWAP16(ethernet->type);
	if (GABION_LIKELY(gabion_is_ip(link->type)))
		return GABION_REASON_NONE;
	return gabion_parse_tags(begin, end, link);
}

/* From the IP header on, which stands `at`, `offset` bytes from the start of the frame. */
GABION_INLINE __u32 gabion_parse_ip(const __u8 *at, const __u8 *end, __u32 length, __u32 offset, __u32 version,
				    struct gabion_packet *packet)
{
	struct gabion_cursor cursor = {at, end, length - offset, offset};

	__builtin_memset(packet, 0, sizeof(*packet));
	packet->frame_length = length;
	packet->l3_offset = GABION_CAST(__u16, offset);
	packet->vlan_tags =
		GABION_CAST(__u16, (offset - sizeof(struct gabion_wire_ethernet)) / sizeof(struct gabion_wire_vlan));
	return version == 4 ? gabion_parse_ipv4(&cursor, packet) : gabion_parse_ipv6(&cursor, packet);
}

/* `begin` to `end` is what may be read; `length` what the frame has, which is more when only its head is in reach (skb). */
GABION_INLINE __u32 gabion_parse(const __u8 *begin, const __u8 *end, __u32 length, struct gabion_packet *packet)
{
	struct gabion_link link;
	__u32 reason = gabion_parse_link(begin, end, &link);

	if (!reason)
		return gabion_parse_ip(link.at, end, length, GABION_CAST(__u32, link.at - begin),
				       link.type == GABION_ETHERTYPE_IPV4 ? 4 : 6, packet);
	__builtin_memset(packet, 0, sizeof(*packet));
	packet->frame_length = length;
	return reason;
}

#endif
