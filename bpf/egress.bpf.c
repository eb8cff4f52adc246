// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What leaves the protected interface (tc egress): notes the flows that the host itself vouches for (bpf/lib/flow.h). Looks at
// packets, changes none and drops none.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "note.h"
#include "skb.h"

/* Ethernet, IPv4 and TCP. */
#define HEADERS_LEAST 54

/* What the sending socket says of the packet: its TCP connection is established, or its UDP is connected to the peer. */
static __always_inline struct gabion_sender ask_socket(struct __sk_buff *skb)
{
	struct gabion_sender sender = {};
	struct bpf_sock *socket = skb->sk;
	__u32 state;

	if (!socket) {
		sender.forwarded = skb->ingress_ifindex ? GABION_FORWARDED : 0;
		return sender;
	}
	sender.connected = socket->dst_port != 0;
	socket = bpf_sk_fullsock(socket); /* neither a handshake under way nor TIME_WAIT */
	if (!socket)
		return sender;
	state = socket->state;
	sender.established = state == BPF_TCP_ESTABLISHED || state == BPF_TCP_CLOSE_WAIT;
	sender.open = state != BPF_TCP_CLOSE && state != BPF_TCP_LISTEN;
	return sender;
}

__attribute__((noinline)) int look_at(struct __sk_buff *skb, struct gabion_packet *packet)
{
	struct gabion_sender sender;

	if (!packet)
		return 0;
	sender = ask_socket(skb);
	return gabion_note(packet, &sender);
}

SEC("tc")
int egress(struct __sk_buff *skb)
{
	struct gabion_packet packet;

	if (!gabion_parse_skb(skb, HEADERS_LEAST, &packet) && packet.flags & GABION_PACKET_L4)
		look_at(skb, &packet);
	return TC_ACT_UNSPEC;
}

char gabion_license[] SEC("license") = "Dual BSD/GPL";
