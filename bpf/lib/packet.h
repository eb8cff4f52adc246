/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet as the stages, the workers and the detectors see it: filled by bpf/lib/parse.h, read by everything else. Nobody but
 * the parser does pointer arithmetic on the frame. GABION_PACKET_CONTROL and _TUNNEL are told by gabion_kind (bpf/lib/kind.h), which
 * the kernel asks only about packets that were chosen for a worker; gabion::parse sets them.
 */
#ifndef GABION_LIB_PACKET_H
#define GABION_LIB_PACKET_H

#include "../abi/compat.h"

#define GABION_PACKET_FRAGMENT	     0x0001u /* part of a fragmented datagram */
#define GABION_PACKET_LATER_FRAGMENT 0x0002u /* not its first part: no L4 header, ports are 0 */
#define GABION_PACKET_IP_OPTIONS     0x0004u /* IPv4 options, or an IPv6 hop-by-hop or destination-options header */
#define GABION_PACKET_L4	     0x0008u /* TCP, UDP, ICMP or ICMPv6 header read: the fields for it are valid */
#define GABION_PACKET_ODD                                                                                              \
	0x0010u /* legal, but seldom so: worth a look by a worker (tiny first fragment, routing header, ...) */
#define GABION_PACKET_TUNNEL	0x0020u /* carries another packet: inner checksums may be left to the receiver */
#define GABION_PACKET_CONTROL	0x0040u /* PTP, routing or redundancy protocol, DHCP: never handed over */
#define GABION_PACKET_NEIGHBOUR 0x0080u /* IPv6 neighbour discovery with hop limit 255 */

/* One layout for both families: IPv4 uses word[0], the others are 0. Network byte order. Aligned to be read by halves. */
struct gabion_address {
	__u32 word[4];
} GABION_ALIGNED(8);

struct gabion_packet {
	struct gabion_address source;
	struct gabion_address destination;
	__u8 ip_version;   /* 4 or 6; 0 = not IP */
	__u8 protocol;	   /* IANA number of what follows the (last) IP header */
	__u8 ttl;	   /* or hop limit */
	__u8 tcp_flags;	   /* FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32 */
	__u16 source_port; /* host byte order; ICMP echo: the identifier, in both */
	__u16 destination_port;
	__u8 icmp_type;
	__u8 icmp_code;
	__u16 flags;	 /* GABION_PACKET_* */
	__u32 ip_length; /* of the IP packet, headers included, from the IP header; never counts Ethernet padding */
	__u16 payload_length; /* behind the L4 header */
	__u16 l3_offset;      /* from the start of the frame */
	__u16 l4_offset;
	__u16 vlan_tags; /* how many: 0 to 2 */
	__u32 frame_length;
	__u32 sequence; /* TCP, host byte order */
	union {
		__u32 acknowledgment;
		__u32 fragment_offset; /* of a later fragment, in bytes */
	};
	__u32 fragment_id; /* of a fragment, host byte order */
};

#endif
