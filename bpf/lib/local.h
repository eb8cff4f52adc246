/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether a packet's destination is an address of this host. On the host, where no routes are, every one is. */
#ifndef GABION_LIB_LOCAL_H
#define GABION_LIB_LOCAL_H

#include "packet.h"
#include "tables.h"

#ifdef __bpf__

#define GABION_AF_INET	2
#define GABION_AF_INET6 10

/*
 * A host that forwards does so with what is not its own; one that does not takes or drops. bpf_fib_lookup() tells: on an interface that
 * does not forward nothing is looked up, and what is local is not forwarded.
 */
GABION_OUTLINE int gabion_destination_local(GABION_FRAME *frame, const struct gabion_packet *packet)
{
	struct bpf_fib_lookup route;
	long answer;

	if (!packet)
		return 0;
	if (!gabion_read32(&control.connections.forwards))
		return 1;
	__builtin_memset(&route, 0, sizeof(route));
	route.ifindex = frame->ingress_ifindex;
	if (packet->ip_version == 4) {
		route.family = GABION_AF_INET;
		route.ipv4_src = packet->source.word[0];
		route.ipv4_dst = packet->destination.word[0];
	} else {
		route.family = GABION_AF_INET6;
		__builtin_memcpy(route.ipv6_src, packet->source.word, 16);
		__builtin_memcpy(route.ipv6_dst, packet->destination.word, 16);
	}
	answer = bpf_fib_lookup(frame, &route, sizeof(route), 0);
	return answer == BPF_FIB_LKUP_RET_FWD_DISABLED || answer == BPF_FIB_LKUP_RET_NOT_FWDED;
}

#else

GABION_INLINE int gabion_destination_local(GABION_FRAME *frame, const struct gabion_packet *packet)
{
	(void)frame, (void)packet;
	return 1;
}

#endif

#endif
