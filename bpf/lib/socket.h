/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Asking the authority: what this host's own TCP knows of a packet's ends. On the host, and in the program that tests run, a table that the
 * test fills answers (struct gabion_socket_note).
 */
#ifndef GABION_LIB_SOCKET_H
#define GABION_LIB_SOCKET_H

#include "../abi/connection.h"
#include "flow.h"
#include "look_up.h"
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

/* A listener's cookie for a SYN, below 2^32, or */
#define GABION_COOKIE_NOBODY  (-1ll) /* nobody takes connections there, or the port is in use */
#define GABION_COOKIE_REFUSED (-2ll) /* he makes none now */

GABION_INLINE __s64 gabion_cookie_noted(const struct gabion_tables *tables, const struct gabion_socket_notes *notes,
					const struct gabion_packet *packet)
{
	if (!notes || gabion_socket_noted(tables, notes, packet) != GABION_SOCKET_LISTENS)
		return GABION_COOKIE_NOBODY;
	return notes->cookie ? GABION_CAST(__s64, notes->cookie) : GABION_COOKIE_REFUSED;
}

#ifdef __bpf__

/* The part of the kernel's struct tcphdr that it reads for this, an MSS behind it, and an IP header with nothing but what it reads. */
struct gabion_cookie_headers {
	__u32 ip[10];
	__u32 tcp[6];
};

#define GABION_COOKIE_TCP_BYTES 20
#define GABION_COOKIE_MSS_BYTES 4

/* Returns the length of the IP header. */
GABION_INLINE __u32 gabion_cookie_write(struct gabion_cookie_headers *headers, const struct gabion_packet *packet,
					__u32 tcp_bytes)
{
	const int v4 = packet->ip_version == 4;

	headers->ip[0] = GABION_SWAP32(v4 ? 0x45000000u : 0x60000000u);
	if (v4) {
		headers->ip[3] = packet->source.word[0];
		headers->ip[4] = packet->destination.word[0];
	} else {
		__builtin_memcpy(&headers->ip[2], packet->source.word, 16);
		__builtin_memcpy(&headers->ip[6], packet->destination.word, 16);
	}
	headers->tcp[0] = GABION_SWAP32(GABION_CAST(__u32, packet->source_port) << 16 | packet->destination_port);
	headers->tcp[1] = GABION_SWAP32(packet->sequence);
	headers->tcp[2] = GABION_SWAP32(packet->acknowledgment);
	headers->tcp[3] = GABION_SWAP32(tcp_bytes / 4 << 28 | GABION_CAST(__u32, packet->tcp_flags) << 16);
	return v4 ? 20 : 40;
}

/* Whether the acknowledgment is a SYN cookie that this listener believes. */
GABION_INLINE int gabion_cookie_back(struct bpf_sock *listener, const struct gabion_packet *packet)
{
	struct gabion_cookie_headers headers = {};
	__u32 bytes = gabion_cookie_write(&headers, packet, GABION_COOKIE_TCP_BYTES);

	return !bpf_tcp_check_syncookie(listener, headers.ip, bytes, (struct tcphdr *)headers.tcp,
					GABION_COOKIE_TCP_BYTES);
}

/* The listener's answer to a SYN that offers this MSS, 0 = none. By asking he notes that he makes cookies, and believes them. */
GABION_INLINE __s64 gabion_cookie_forth(struct bpf_sock *listener, const struct gabion_packet *packet, __u32 mss)
{
	struct gabion_cookie_headers headers = {};
	__u32 bytes = GABION_COOKIE_TCP_BYTES + (mss ? GABION_COOKIE_MSS_BYTES : 0);
	__s64 made;

	headers.tcp[5] = GABION_SWAP32(2u << 24 | 4u << 16 | mss);
	made = bpf_tcp_gen_syncookie(listener, headers.ip, gabion_cookie_write(&headers, packet, bytes),
				     (struct tcphdr *)headers.tcp, bytes);
	return made < 0 ? GABION_COOKIE_REFUSED : made & 0xffffffff;
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

/* To be released. */
GABION_INLINE struct bpf_sock *gabion_socket_find(GABION_FRAME *frame, const struct gabion_packet *packet)
{
	/* what passes through is nothing to sockets of this host */
	if (gabion_settings.features & GABION_FEATURE_INLINE)
		return GABION_NULL;
	return gabion_socket_look_up(frame, packet);
}

GABION_INLINE __u32 gabion_socket_ask(GABION_FRAME *frame, const struct gabion_packet *packet)
{
	struct bpf_sock *socket = gabion_socket_find(frame, packet);
	__u32 state;

	if (!socket)
		return GABION_SOCKET_NONE;
	state = gabion_socket_state(socket, packet);
	bpf_sk_release(socket);
	return state;
}

GABION_INLINE __s64 gabion_socket_cookie(GABION_FRAME *frame, const struct gabion_packet *packet, __u32 mss)
{
	struct bpf_sock *socket = gabion_socket_find(frame, packet);
	__s64 made = GABION_COOKIE_NOBODY;

	if (!socket)
		return GABION_COOKIE_NOBODY;
	if (socket->state == BPF_TCP_LISTEN)
		made = gabion_cookie_forth(socket, packet, mss);
	bpf_sk_release(socket);
	return made;
}

/* The program that tests run says beforehand whom it asks. */
#ifndef GABION_ASK_SOCKET
#define GABION_ASK_SOCKET(frame, tables, packet)      gabion_socket_ask(frame, packet)
#define GABION_ASK_COOKIE(frame, tables, packet, mss) gabion_socket_cookie(frame, packet, mss)
#endif

#else

#define GABION_ASK_SOCKET(frame, tables, packet) ((void)(frame), gabion_socket_noted(tables, (tables)->sockets, packet))
#define GABION_ASK_COOKIE(frame, tables, packet, mss)                                                                  \
	((void)(frame), (void)(mss), gabion_cookie_noted(tables, (tables)->sockets, packet))

#endif

#endif
