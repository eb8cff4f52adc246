/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is said of a packet's destination port (GABION_PORT_RULES). */
#ifndef GABION_LIB_PORT_RULE_H
#define GABION_LIB_PORT_RULE_H

#include "../abi/caps.h"
#include "packet.h"
#include "parse_l4.h"
#include "tables.h"

/* All 16 bits of it; 0 = nothing. */
GABION_INLINE __u32 gabion_port_rule(const struct gabion_packet *packet, const struct gabion_tables *tables)
{
	__u32 place = packet->destination_port;
	__u64 *word;

	if (!(packet->flags & GABION_PACKET_L4))
		return 0;
	if (packet->protocol == GABION_PROTOCOL_UDP)
		place += 65536;
	else if (packet->protocol != GABION_PROTOCOL_TCP)
		return 0;
	word = gabion_at(GABION_TABLE(tables, port_rules), place / GABION_RULES_PER_WORD);
	return word ? GABION_CAST(__u32, gabion_read64(word) >> place % GABION_RULES_PER_WORD * 16 & 0xffff) : 0;
}

#endif
