/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Asking the authority: what this host's own TCP knows of a packet's ends. On the host, and in the program that tests run, a table that the
 * test fills answers (struct gabion_socket_note).
 */
#ifndef GABION_LIB_SOCKET_H
#define GABION_LIB_SOCKET_H

#include "../abi/connection.h"
#include "flow.h"
#include "tables.h"

GABION_INLINE __u32 gabion_socket_noted(const struct gabion_tables *tables, const struct gabion_socket_notes *notes,
					const struct gabion_packet *packet)
{
	struct gabion_flow_key key = gabion_flow_in(packet, &tables->control->hash);
	__u32 i;

	if (!notes)
		return GABION_SOCKET_NONE;
	for (i = 0; i < GABION_SOCKET_NOTES; i++)
		if (notes->note[i].state && notes->note[i].bucket == key.bucket && notes->note[i].tag == key.tag)
			return notes->note[i].state;
	if (notes->listens && notes->listens == packet->destination_port)
		return GABION_SOCKET_LISTENS;
	return GABION_SOCKET_NONE;
}

#ifdef __bpf__

/* The part of the kernel's struct tcphdr that it reads for this, and an IP header with nothing but what it reads. */
struct gabion_cookie_headers {
	__u32 ip[10];
	__u32 tcp[5];
};

/* Whether the acknowledgment is a SYN cookie that this listener believes. */
GABION_INLINE int gabion_cookie_back(struct bpf_sock *listener, const struct gabion_packet *packet)
{
	struct gabion_cookie_headers headers = {};
	const int v4 = packet->ip_version == 4;

	headers.ip[0] = GABION_SWAP32(v4 ? 0x45000000u : 0x60000000u);
	if (v4) {
		headers.ip[3] = packet->source.word[0];
		headers.ip[4] = packet->destination.word[0];
	} else {
		__builtin_memcpy(&headers.ip[2], packet->source.word, 16);
		__builtin_memcpy(&headers.ip[6], packet->destination.word, 16);
	}
	headers.tcp[0] = GABION_SWAP32(GABION_CAST(__u32, packet->source_port) << 16 | packet->destination_port);
	headers.tcp[1] = GABION_SWAP32(packet->sequence);
	headers.tcp[2] = GABION_SWAP32(packet->acknowledgment);
	headers.tcp[3] = GABION_SWAP32(5u << 28 | GABION_CAST(__u32, packet->tcp_flags) << 16);
	return !bpf_tcp_check_syncookie(listener, headers.ip, v4 ? 20 : 40, (struct tcphdr *)headers.tcp,
					sizeof(headers.tcp));
}

GABION_INLINE __u32 gabion_socket_state(struct bpf_sock *socket, const struct gabion_packet *packet)
{
	switch (socket->state) {
	case BPF_TCP_LISTEN:
		return gabion_cookie_back(socket, packet) ? GABION_SOCKET_COOKIE : GABION_SOCKET_LISTENS;
	case BPF_TCP_SYN_SENT:
		return GABION_SOCKET_ASKS;
	case BPF_TCP_SYN_RECV:
	case BPF_TCP_NEW_SYN_RECV:
		return GABION_SOCKET_REQUEST;
	case BPF_TCP_TIME_WAIT:
		return GABION_SOCKET_ENDED;
	case BPF_TCP_CLOSE:
		return GABION_SOCKET_NONE;
	default:
		return GABION_SOCKET_HELD;
	}
}

GABION_INLINE __u32 gabion_socket_ask(GABION_FRAME *frame, const struct gabion_packet *packet)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket;
	__u32 state;

	if (gabion_settings.features &
	    GABION_FEATURE_INLINE) /* what passes through is nothing to sockets of this host */
		return GABION_SOCKET_NONE;
	if (packet->ip_version == 4) {
		tuple.ipv4.saddr = packet->source.word[0];
		tuple.ipv4.daddr = packet->destination.word[0];
		tuple.ipv4.sport = GABION_SWAP16(packet->source_port);
		tuple.ipv4.dport = GABION_SWAP16(packet->destination_port);
		socket = bpf_skc_lookup_tcp(frame, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	} else {
		__builtin_memcpy(tuple.ipv6.saddr, packet->source.word, 16);
		__builtin_memcpy(tuple.ipv6.daddr, packet->destination.word, 16);
		tuple.ipv6.sport = GABION_SWAP16(packet->source_port);
		tuple.ipv6.dport = GABION_SWAP16(packet->destination_port);
		socket = bpf_skc_lookup_tcp(frame, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	}
	if (!socket)
		return GABION_SOCKET_NONE;
	state = gabion_socket_state(socket, packet);
	bpf_sk_release(socket);
	return state;
}

/* The program that tests run says beforehand whom it asks. */
#ifndef GABION_ASK_SOCKET
#define GABION_ASK_SOCKET(frame, tables, packet) gabion_socket_ask(frame, packet)
#endif

#else

#define GABION_ASK_SOCKET(frame, tables, packet) ((void)(frame), gabion_socket_noted(tables, (tables)->sockets, packet))

#endif

#endif
