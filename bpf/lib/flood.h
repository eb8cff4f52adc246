/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asking whether a flood is on (bpf/abi/flood.h), and raising one. */
#ifndef GABION_LIB_FLOOD_H
#define GABION_LIB_FLOOD_H

#include "../abi/control.h"
#include "home.h"
#include "packet.h"
#include "parse_l4.h"

GABION_INLINE int gabion_flood_lasts(__u32 until, __u32 now)
{
	return until && until - now - 1 < GABION_EXPIRY_AHEAD_MAX;
}

/* Of any kind. In calm times this is one comparison with 0. */
GABION_INLINE int gabion_flood_any(const struct gabion_control *control, __u32 now)
{
	return gabion_flood_lasts(gabion_read32(&control->flood.any), now);
}

GABION_INLINE int gabion_flood_of(const struct gabion_control *control, enum gabion_flood_class kind, __u32 now)
{
	return gabion_flood_lasts(gabion_read32(&control->flood.until[kind]), now);
}

GABION_INLINE enum gabion_flood_class gabion_flood_class_of(const struct gabion_packet *packet)
{
	if (packet->protocol == GABION_PROTOCOL_TCP)
		return (packet->tcp_flags & (GABION_TCP_SYN | GABION_TCP_ACK)) == GABION_TCP_SYN ? GABION_FLOOD_SYN
												 : GABION_FLOOD_TCP;
	if (packet->protocol == GABION_PROTOCOL_UDP)
		return GABION_FLOOD_UDP;
	return packet->protocol == GABION_PROTOCOL_ICMP || packet->protocol == GABION_PROTOCOL_ICMPV6
		       ? GABION_FLOOD_ICMP
		       : GABION_FLOOD_OTHER;
}

/* A flood of this kind is on for so many ticks more. CPUs may race; what one of them loses it raises again with its next packet. */
GABION_INLINE void gabion_flood_raise(struct gabion_control *control, enum gabion_flood_class kind, __u32 now,
				      __u32 ticks)
{
	__u32 until = now + ticks, any = gabion_read32(&control->flood.any);

	until += !until; /* 0 is none */
	control->flood.until[kind] = until;
	if (!gabion_flood_lasts(any, now) || GABION_CAST(__s32, until - any) > 0)
		control->flood.any = until;
}

#endif
