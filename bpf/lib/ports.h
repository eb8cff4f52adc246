/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether a UDP source port is one of those that amplifiers answer from: one bit of an array. */
#ifndef GABION_LIB_PORTS_H
#define GABION_LIB_PORTS_H

#include "tables.h"

GABION_INLINE int gabion_port_amplifies(__u32 port, const struct gabion_tables *tables)
{
	const __u64 *bits = gabion_at(GABION_TABLE(tables, amp_ports), port >> 6);

	return bits && *bits >> (port & 63) & 1;
}

#endif
