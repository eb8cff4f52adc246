/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The socket of this network namespace that a segment is for; in the kernel alone. */
#ifndef GABION_LIB_LOOK_UP_H
#define GABION_LIB_LOOK_UP_H

#include "packet.h"
#include "parse_l4.h"

#ifdef __bpf__

/* `context`: what the program was called with. To be released. */
GABION_INLINE struct bpf_sock *gabion_socket_look_up(void *context, const struct gabion_packet *packet)
{
	struct bpf_sock_tuple tuple = {};

	if (packet->ip_version == 4) {
		tuple.ipv4.saddr = packet->source.word[0];
		tuple.ipv4.daddr = packet->destination.word[0];
		tuple.ipv4.sport = GABION_SWAP16(packet->source_port);
		tuple.ipv4.dport = GABION_SWAP16(packet->destination_port);
		return bpf_skc_lookup_tcp(context, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	}
	__builtin_memcpy(tuple.ipv6.saddr, packet->source.word, 16);
	__builtin_memcpy(tuple.ipv6.daddr, packet->destination.word, 16);
	tuple.ipv6.sport = GABION_SWAP16(packet->source_port);
	tuple.ipv6.dport = GABION_SWAP16(packet->destination_port);
	return bpf_skc_lookup_tcp(context, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
}

#endif

#endif
