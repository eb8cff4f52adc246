/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Kinds of packets that are never handed over: what keeps the network itself running (a delay or another order would hurt), and what
 * carries other packets or leaves its checksum to the receiver (AF_XDP forgets that it was left open). Apart from the parser,
 * since only packets that were chosen for a worker are asked.
 */
#ifndef GABION_LIB_KIND_H
#define GABION_LIB_KIND_H

#include "parse_l4.h"

/* Protocols by IANA number: IGMP, EGP, IGP, RSVP, EIGRP, OSPF, PIM, VRRP/CARP, IS-IS */
GABION_INLINE int gabion_control_protocol(__u32 protocol)
{
	switch (protocol) {
	case 2:
	case 8:
	case 9:
	case 46:
	case 88:
	case 89:
	case 103:
	case 112:
	case 124:
		return 1;
	default:
		return 0;
	}
}

/* IP in IP, IPv6 in IP, GRE, EtherIP, L2TP, MPLS in IP */
GABION_INLINE int gabion_tunnel_protocol(__u32 protocol)
{
	switch (protocol) {
	case 4:
	case 41:
	case 47:
	case 97:
	case 115:
	case 137:
		return 1;
	default:
		return 0;
	}
}

/* DHCP, PTP, RIP, RIPng, DHCPv6, LDP, HSRP, HSRPv6, GLBP, BFD (control, echo, multihop, LAG) */
GABION_INLINE int gabion_control_udp(__u32 port)
{
	switch (port) {
	case 67:
	case 68:
	case 319:
	case 320:
	case 520:
	case 521:
	case 546:
	case 547:
	case 646:
	case 1985:
	case 2029:
	case 3222:
	case 3784:
	case 3785:
	case 4784:
	case 6784:
		return 1;
	default:
		return 0;
	}
}

/* L2TP, GTP-U, VXLAN, GENEVE, MPLS in UDP, VXLAN as Linux first had it */
GABION_INLINE int gabion_tunnel_udp(__u32 port)
{
	return port == 1701 || port == 2152 || port == 4789 || port == 6081 || port == 6635 || port == 8472;
}

/* BGP, MSDP, LDP */
GABION_INLINE int gabion_control_tcp(__u32 port)
{
	return port == 179 || port == 639 || port == 646;
}

/* GABION_PACKET_CONTROL and GABION_PACKET_TUNNEL, as far as they apply. */
GABION_INLINE __u32 gabion_kind(const struct gabion_packet *packet)
{
	if (packet->protocol == GABION_PROTOCOL_UDP) {
		if (gabion_control_udp(packet->destination_port))
			return GABION_PACKET_CONTROL;
		return gabion_tunnel_udp(packet->destination_port) ? GABION_PACKET_TUNNEL : 0;
	}
	if (packet->protocol == GABION_PROTOCOL_TCP)
		return gabion_control_tcp(packet->destination_port) || gabion_control_tcp(packet->source_port)
			       ? GABION_PACKET_CONTROL
			       : 0;
	if (gabion_control_protocol(packet->protocol))
		return GABION_PACKET_CONTROL;
	return gabion_tunnel_protocol(packet->protocol) ? GABION_PACKET_TUNNEL : 0;
}

GABION_INLINE int gabion_never_handed_over(const struct gabion_packet *packet)
{
	return packet->protocol == GABION_PROTOCOL_SCTP || gabion_kind(packet) != 0;
}

#endif
