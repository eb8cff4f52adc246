/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The filter of MAC addresses: which stations of the link the interface listens to. What keeps the link itself running passes whoever
 * sends it: ARP, neighbour discovery, and what bridges never forward (STP, LACP, 802.1X, LLDP: IEEE 802.1Q, table 8-1).
 */
#ifndef GABION_STAGE_MAC_H
#define GABION_STAGE_MAC_H

#include "../abi/reason.h"
#include "../abi/settings.h"
#include "../lib/link_control.h"
#include "../lib/parse.h"
#include "../lib/tables.h"

#define GABION_ETHERTYPE_ARP 0x0806

/* Out of line for the sake of the stack: the whole list is in registers and on it. */
GABION_OUTLINE __u32 gabion_mac_listed(GABION_OUTLINE_TABLES GABION_FRAME *frame)
{
	const __u8 *begin = gabion_frame_begin(frame), *end = gabion_frame_end(frame);
	const struct gabion_wire_ethernet *ethernet = GABION_AT(struct gabion_wire_ethernet, begin);
	__u32 first, last, listed = 0, i;

	GABION_OUTLINE_FIND_TABLES();
	if (begin + sizeof(*ethernet) > end)
		return 0;
	first = GABION_AT(struct gabion_wire_mac, ethernet->source)->first;
	last = GABION_AT(struct gabion_wire_mac, ethernet->source)->last;
	GABION_UNROLL
	for (i = 0; i < GABION_MACS_MAX; i++) {
		if (i < GABION_SETTINGS(tables).mac_filter.count &&
		    first == GABION_SETTINGS(tables).mac_filter.mac[i].first &&
		    last == GABION_SETTINGS(tables).mac_filter.mac[i].last)
			listed = 1;
	}
	return listed;
}

/* ARP and neighbour discovery, also behind VLAN tags. */
GABION_OUTLINE __u32 gabion_mac_spares(GABION_FRAME *frame)
{
	const __u8 *begin = gabion_frame_begin(frame), *end = gabion_frame_end(frame);
	struct gabion_packet packet;
	struct gabion_link link = {begin, 0};
	__u32 offset;

	if (gabion_parse_link(begin, end, &link))
		return link.type == GABION_ETHERTYPE_ARP;
	if (link.type != GABION_ETHERTYPE_IPV6)
		return 0;
	offset = GABION_CAST(__u32, link.at - begin) & 31;
	return gabion_parse_ip(begin + offset, end, GABION_CAST(__u32, end - begin), offset, 6, &packet) ==
	       GABION_REASON_NEIGHBOUR;
}

GABION_INLINE __u32 gabion_stage_mac(GABION_FRAME *frame, const struct gabion_wire_ethernet *ethernet,
				     const struct gabion_tables *tables)
{
	__u32 allows = GABION_SETTINGS(tables).mac_filter.mode == GABION_MAC_ALLOW;

	if (GABION_SETTINGS(tables).mac_filter.mode == GABION_MAC_OFF)
		return GABION_REASON_NONE;
	if (GABION_LIKELY(gabion_mac_listed(GABION_GIVE_TABLES(tables) frame) == allows) ||
	    gabion_link_control(ethernet))
		return GABION_REASON_NONE;
	return gabion_mac_spares(frame) ? GABION_REASON_NONE : GABION_REASON_MAC_FILTER;
}

#endif
