/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the front asks of every plain packet on behalf of the stages of the rest, in a few instructions. */
#ifndef GABION_STAGE_SUSPECT_H
#define GABION_STAGE_SUSPECT_H

#include "amplification.h"
#include "validation.h"

/* Of a plain packet: which stages of the rest must look at it. */
GABION_INLINE __u32 gabion_suspects4(const struct gabion_wire_ipv4 *ip, const struct gabion_tables *tables)
{
	__u32 suspects = 0;

	if (gabion_has(tables, GABION_FEATURE_VALIDATION) && gabion_suspect4(ip, GABION_SETTINGS(tables).checks))
		suspects |= GABION_SUSPECT_CHECKS;
	if (gabion_has(tables, GABION_FEATURE_AMPLIFICATION) && ip->protocol == GABION_PROTOCOL_UDP &&
	    gabion_port_amplifies(GABION_SWAP16(GABION_AT(struct gabion_wire_udp, ip + 1)->source_port), tables))
		suspects |= GABION_SUSPECT_PORT;
	return suspects;
}

GABION_INLINE __u32 gabion_suspects6(const struct gabion_wire_ipv6 *ip, const struct gabion_tables *tables)
{
	__u32 suspects = 0;

	if (gabion_has(tables, GABION_FEATURE_VALIDATION) && gabion_suspect6(ip, GABION_SETTINGS(tables).checks))
		suspects |= GABION_SUSPECT_CHECKS;
	if (gabion_has(tables, GABION_FEATURE_AMPLIFICATION) && ip->next == GABION_PROTOCOL_UDP &&
	    gabion_port_amplifies(GABION_SWAP16(GABION_AT(struct gabion_wire_udp, ip + 1)->source_port), tables))
		suspects |= GABION_SUSPECT_PORT;
	return suspects;
}

#endif
