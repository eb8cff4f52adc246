/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frames that keep a link itself running, which bridges never forward: STP, LACP, 802.1X, LLDP (IEEE 802.1Q, table 8-1). */
#ifndef GABION_LIB_LINK_CONTROL_H
#define GABION_LIB_LINK_CONTROL_H

#include "parse.h"

/* A MAC address in a frame, in the two pieces that struct gabion_mac has. */
struct gabion_wire_mac {
	__u32 first;
	__u16 last;
} GABION_WIRE;

/* Sent to 01:80:c2:00:00:00 to 0f. */
GABION_INLINE int gabion_link_control(const struct gabion_wire_ethernet *ethernet)
{
	const struct gabion_wire_mac *to = GABION_AT(struct gabion_wire_mac, ethernet->destination);

	return to->first == GABION_SWAP32(0x0180c200u) && !(to->last & GABION_SWAP16(0xfff0));
}

#endif
