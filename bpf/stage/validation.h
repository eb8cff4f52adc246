/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Validation: what no honest sender makes, and what the operator wants nothing of. A plain packet was looked through in the front
 * (gabion_suspect4, _6) in a few instructions; only what seemed remarkable there, and what is not plain, is judged here. What a
 * link needs to run passes: DHCP, IGMP and MLD may come from the addresses that a host has before it has one (RFC 2131, section 4.1; RFC
 * 4541, section 2.1.1; RFC 3590), and from link-local ones.
 */
#ifndef GABION_STAGE_VALIDATION_H
#define GABION_STAGE_VALIDATION_H

#include "../abi/reason.h"
#include "../lib/arrival.h"
#include "../lib/parse_ip.h"
#include "../lib/special.h"
#include "../lib/tables.h"

#define GABION_PROTOCOL_IGMP 2

#define GABION_DHCP_SERVER 67
#define GABION_DHCP_CLIENT 68

/* RFC 2710, RFC 3810: query, report, done; and version 2's report. */
#define GABION_MLD_FIRST   130
#define GABION_MLD_LAST	   132
#define GABION_MLD_REPORT2 143

/* RFC 791: the longest packet that there is. */
#define GABION_IP_LENGTH_MAX 0xffffu

/* Of a plain packet: whether the validation must look at it. */
GABION_INLINE __u32 gabion_suspect4(const struct gabion_wire_ipv4 *ip, __u32 checks)
{
	return gabion_remarkable4(ip->source, checks) || (checks & GABION_CHECK_LAND && ip->source == ip->destination);
}

GABION_INLINE __u32 gabion_suspect6(const struct gabion_wire_ipv6 *ip, __u32 checks)
{
	return gabion_remarkable6(ip->source[0], checks) ||
	       (checks & GABION_CHECK_LAND && ip->source[3] == ip->destination[3] &&
		ip->source[2] == ip->destination[2] && ip->source[1] == ip->destination[1] &&
		ip->source[0] == ip->destination[0]);
}

GABION_INLINE int gabion_is_dhcp4(const struct gabion_packet *packet)
{
	return packet->ip_version == 4 && packet->protocol == GABION_PROTOCOL_UDP &&
	       ((packet->source_port == GABION_DHCP_CLIENT && packet->destination_port == GABION_DHCP_SERVER) ||
		(packet->source_port == GABION_DHCP_SERVER && packet->destination_port == GABION_DHCP_CLIENT));
}

/* Who listens to which group: IGMP and MLD. */
GABION_INLINE int gabion_is_membership(const struct gabion_packet *packet)
{
	if (packet->ip_version == 4)
		return packet->protocol == GABION_PROTOCOL_IGMP;
	return packet->protocol == GABION_PROTOCOL_ICMPV6 && gabion_to_many(packet) &&
	       ((packet->icmp_type >= GABION_MLD_FIRST && packet->icmp_type <= GABION_MLD_LAST) ||
		packet->icmp_type == GABION_MLD_REPORT2);
}

/* From 0.0.0.0 or ::, what a host says before it has an address. Duplicate address detection never gets here. */
GABION_INLINE int gabion_without_address(const struct gabion_packet *packet)
{
	const __u32 *source = packet->source.word;

	if (source[0] | source[1] | source[2] | source[3])
		return 0;
	if (gabion_is_membership(packet))
		return 1;
	return gabion_is_dhcp4(packet) && packet->source_port == GABION_DHCP_CLIENT &&
	       packet->destination.word[0] == 0xffffffffu;
}

/* What routers never forward, so that it comes from this link: to its groups, or between its addresses (RFC 5771, RFC 4291). */
GABION_INLINE int gabion_within_link(const struct gabion_packet *packet)
{
	__u32 first = GABION_SWAP32(packet->destination.word[0]);

	if (packet->ip_version == 4)
		return first >> 8 == 0xe00000 || first == 0xffffffff;
	return first >> 16 == 0xff02 || gabion_link_local6(packet->destination.word);
}

GABION_INLINE __u32 gabion_check_source(const struct gabion_packet *packet, __u32 checks)
{
	const __u32 *word = packet->source.word;
	__u32 four = GABION_SWAP32(word[0]);
	int version4 = packet->ip_version == 4;

	if (checks & GABION_CHECK_BOGONS && (version4 ? gabion_bogon4(four) : gabion_bogon6(word)) &&
	    !gabion_without_address(packet))
		return GABION_REASON_BOGON_SOURCE;
	if (checks & GABION_CHECK_PRIVATE && (version4 ? gabion_private4(four) : gabion_private6(word)) &&
	    !gabion_within_link(packet) && !gabion_is_dhcp4(packet) && !gabion_is_membership(packet))
		return GABION_REASON_PRIVATE_SOURCE;
	if (checks & GABION_CHECK_RESERVED && (version4 ? gabion_reserved4(four) : gabion_reserved6(word)))
		return GABION_REASON_RESERVED_SOURCE;
	if (checks & GABION_CHECK_LAND && gabion_same_address(word, packet->destination.word))
		return GABION_REASON_LAND;
	return GABION_REASON_NONE;
}

/*
 * Fragments that no sender makes. A first one whose L4 header is not whole: every link carries 68 bytes (RFC 791), none that is in use
 * less than 576, and over IPv6 it is forbidden (RFC 7112). One that starts within the fixed TCP header, to overwrite its flags (RFC
 * 1858, section 3.2). One that reaches beyond the longest packet, which counts IPv4's header but not IPv6's.
 */
GABION_INLINE int gabion_fragment_sound(const struct gabion_packet *packet)
{
	__u32 headers = GABION_CAST(__u32, packet->l4_offset) - packet->l3_offset;
	__u32 offset = packet->flags & GABION_PACKET_LATER_FRAGMENT ? packet->fragment_offset : 0;
	__u32 reaches = offset + packet->ip_length - (packet->ip_version == 4 ? 0 : headers);

	if (reaches > GABION_IP_LENGTH_MAX)
		return 0;
	if (packet->flags & GABION_PACKET_LATER_FRAGMENT)
		return packet->protocol != GABION_PROTOCOL_TCP || offset != 8;
	if (packet->flags & GABION_PACKET_L4)
		return 1;
	return packet->protocol != GABION_PROTOCOL_TCP && packet->protocol != GABION_PROTOCOL_UDP &&
	       packet->protocol != (packet->ip_version == 4 ? GABION_PROTOCOL_ICMP : GABION_PROTOCOL_ICMPV6) &&
	       !(packet->ip_version == 6 && gabion_is_one_of(GABION_IPV6_EXTENSIONS, packet->protocol));
}

GABION_INLINE __u32 gabion_check_l4(const struct gabion_packet *packet, __u32 checks)
{
	if (packet->flags & GABION_PACKET_FRAGMENT &&
	    (checks & GABION_CHECK_ALL_FRAGMENTS ||
	     (checks & GABION_CHECK_FRAGMENTS && !gabion_fragment_sound(packet))))
		return GABION_REASON_FRAGMENT;
	if (!(packet->flags & GABION_PACKET_L4))
		return GABION_REASON_NONE;
	if (packet->protocol == GABION_PROTOCOL_TCP) {
		if (checks & GABION_CHECK_TCP_FLAGS && gabion_tcp_flags_odd(packet->tcp_flags))
			return GABION_REASON_TCP_FLAGS;
		if (checks & GABION_CHECK_PORT_ZERO && (!packet->source_port || !packet->destination_port))
			return GABION_REASON_PORT_ZERO;
	}
	/* a UDP sender that wants no answer may leave its own port 0 (RFC 768) */
	if (checks & GABION_CHECK_PORT_ZERO && packet->protocol == GABION_PROTOCOL_UDP && !packet->destination_port)
		return GABION_REASON_PORT_ZERO;
	return GABION_REASON_NONE;
}

GABION_OUTLINE __u32 gabion_validate(GABION_OUTLINE_TABLES const struct gabion_packet *packet)
{
	__u32 checks, reason;

	GABION_OUTLINE_FIND_TABLES();
	if (!packet)
		return GABION_REASON_NONE;
	checks = GABION_SETTINGS(tables).checks;
	reason = gabion_check_source(packet, checks);
	return reason ? reason : gabion_check_l4(packet, checks);
}

GABION_INLINE __u32 gabion_stage_validation(const struct gabion_packet *packet, const struct gabion_tables *tables,
					    const struct gabion_arrival *arrival)
{
	(void)tables;
	if (GABION_LIKELY(!(arrival->suspect & GABION_SUSPECT_CHECKS)) || arrival->allowed & GABION_SKIP_VALIDATION)
		return GABION_REASON_NONE;
	return gabion_validate(GABION_GIVE_TABLES(tables) packet);
}

#endif
