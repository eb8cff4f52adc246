// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What acknowledges our SYN cookies on its way in (tc ingress): makes the request from which the listener takes the connection, with all that
// the answer agreed to. Changes no packet and drops none. Needs Linux 6.9 (bpf_sk_assign_tcp_reqsk), so it is an object of its own.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "abi/control.h"
#include "array.h"
#include "lib/cookie.h"
#include "lib/flood.h"
#include "lib/flow.h"
#include "lib/look_up.h"
#include "skb.h"

GABION_ARRAY(control, 1, struct gabion_control);
GABION_ARRAY(syn_cells, 1, struct gabion_syn_cell);
GABION_ARRAY(flows, 1, struct gabion_flow_bucket);

const volatile __u32 syn_cell_mask = 0, flow_mask = 0;
const volatile __u32 tell_mptcp = 1; /* the kernel has bpf_skc_to_mptcp_sock() */

/* As in the kernel's include/net/tcp.h. */
struct bpf_tcp_req_attrs {
	__u32 rcv_tsval;
	__u32 rcv_tsecr;
	__u16 mss;
	__u8 rcv_wscale;
	__u8 snd_wscale;
	__u8 ecn_ok;
	__u8 wscale_ok;
	__u8 sack_ok;
	__u8 tstamp_ok;
	__u8 usec_ts_ok;
	__u8 reserved[3];
};
struct sock {
};
extern int bpf_sk_assign_tcp_reqsk(struct __sk_buff *skb, struct sock *socket, struct bpf_tcp_req_attrs *attrs,
				   int attrs__sz) __ksym;

/* Ethernet, IPv6 and TCP. */
#define HEADERS_LEAST 74

/* Out of line, so that the verifier goes on from one state. */
__attribute__((noinline)) int read_options(struct __sk_buff *skb, __u32 offset, __u32 bytes,
					   struct gabion_tcp_options *options)
{
	__u8 copy[GABION_TCP_COPY_BYTES] GABION_ALIGNED(8);

	if (!options)
		return 0;
	__builtin_memset(copy, 0, sizeof(copy));
	if (bytes < 1 || bytes > GABION_TCP_OPTION_BYTES || bpf_skb_load_bytes(skb, offset, copy, bytes))
		return 0;
	gabion_tcp_options_read(copy, bytes, options);
	return 1;
}

/* What was agreed on, from the cookie and the timestamps. A peer that leaves out timestamps it agreed to is not ours to answer. */
static __always_inline int agreed(struct __sk_buff *skb, const struct gabion_packet *packet, __u32 our_scale,
				  struct bpf_tcp_req_attrs *attrs)
{
	__u32 data = packet->acknowledgment - 1, at = packet->l4_offset + 20;
	__u32 bytes = packet->ip_length - (packet->l4_offset - packet->l3_offset) - packet->payload_length - 20;
	struct gabion_tcp_options options = {.scale = GABION_TCP_NO_SCALE};

	attrs->mss = gabion_cookie_mss(packet->ip_version, data >> GABION_COOKIE_MSS);
	attrs->snd_wscale = data >> GABION_COOKIE_SCALE & 15;
	attrs->wscale_ok = attrs->snd_wscale != GABION_TCP_NO_SCALE;
	if (attrs->wscale_ok)
		attrs->rcv_wscale = our_scale;
	else
		attrs->snd_wscale = 0;
	attrs->sack_ok = (data & GABION_COOKIE_SACK) != 0;
	if (!(data & GABION_COOKIE_TIMESTAMPS))
		return 1;
	if (!read_options(skb, at, bytes, &options) || !(options.saw & GABION_TCP_SAW_TIMESTAMPS))
		return 0;
	attrs->tstamp_ok = 1;
	attrs->rcv_tsval = options.value;
	attrs->rcv_tsecr = options.echo;
	attrs->ecn_ok = options.echo & 1;
	return 1;
}

/* The listener takes no requests (MPTCP, another namespace): its SYNs are not answered for a while. */
static __always_inline void refuse(struct gabion_control *all, const struct gabion_packet *packet, __u32 now)
{
	__u32 index = gabion_hash_index(gabion_syn_destination_hash(packet, &all->hash), syn_cell_mask);
	struct gabion_syn_cell *cell = bpf_map_lookup_elem(&syn_cells, &index);
	__u32 until = now + all->syn.hold_ticks;

	if (cell)
		cell->refused = until + !until;
}

/* The connection is vouched for from now on; its source is not proven by it. */
static __always_inline void take(struct gabion_control *all, const struct gabion_packet *packet, __u32 now)
{
	const struct gabion_vouch vouch = {.kind = GABION_FLOW_COOKIE};
	const struct gabion_flow_key key = gabion_flow_in(packet, &all->hash);
	__u32 index = key.bucket & flow_mask;
	struct gabion_flow_bucket *bucket = bpf_map_lookup_elem(&flows, &index);

	if (bucket)
		gabion_flow_note(bucket, key.tag, &vouch, now, all->flow_idle_ticks, 1);
}

/* A plain SYN: its flags stand where nothing lies between. */
static __always_inline int opens(struct __sk_buff *skb)
{
	const __u8 *begin = (const __u8 *)(long)skb->data, *end = (const __u8 *)(long)skb->data_end;
	const int v4 = skb->protocol == GABION_SWAP16(GABION_ETHERTYPE_IPV4);
	const __u32 ip = sizeof(struct gabion_wire_ethernet), tcp = ip + (v4 ? 20 : 40);

	if (begin + ip + 40 + 20 > end && (!v4 || begin + ip + 20 + 20 > end))
		return 0;
	if (v4)
		return begin[ip + 9] == GABION_PROTOCOL_TCP && (begin[ip + 33] & GABION_TCP_CONTROL) == GABION_TCP_SYN;
	return skb->protocol == GABION_SWAP16(GABION_ETHERTYPE_IPV6) && begin + tcp + 20 <= end &&
	       begin[ip + 6] == GABION_PROTOCOL_TCP && (begin[ip + 53] & GABION_TCP_CONTROL) == GABION_TCP_SYN;
}

/*
 * SYNs that come before their destination is engaged, and those that pass under the cap, try its listener: one of MPTCP takes no request
 * (bpf_sk_assign_tcp_reqsk() in net/core/filter.c), and so gets no cookie to begin with.
 */
static __always_inline void try_listener(struct __sk_buff *skb, struct gabion_control *all, __u32 now)
{
	struct gabion_packet packet;
	struct bpf_sock *found;

	if (!tell_mptcp || gabion_parse_skb(skb, HEADERS_LEAST, &packet) || !(packet.flags & GABION_PACKET_L4))
		return;
	found = gabion_socket_look_up(skb, &packet);
	if (!found)
		return;
	if (found->state == BPF_TCP_LISTEN && bpf_skc_to_mptcp_sock(found))
		refuse(all, &packet, now);
	bpf_sk_release(found);
}

SEC("tc")
int syn(struct __sk_buff *skb)
{
	__u32 zero = 0, now = (__u32)bpf_jiffies64();
	struct gabion_control *all = bpf_map_lookup_elem(&control, &zero);
	struct bpf_tcp_req_attrs attrs = {};
	struct gabion_packet packet;
	struct bpf_sock *found;
	struct sock *listener;

	if (!all)
		return TC_ACT_UNSPEC;
	if (opens(skb)) {
		try_listener(skb, all, now);
		return TC_ACT_UNSPEC;
	}
	if (!gabion_cookies_out(&all->syn, now))
		return TC_ACT_UNSPEC;
	if (gabion_parse_skb(skb, HEADERS_LEAST, &packet) || !gabion_may_acknowledge(&packet) ||
	    !gabion_cookie_holds(&all->syn, &packet, now) || !agreed(skb, &packet, all->syn.window_scale, &attrs))
		return TC_ACT_UNSPEC;
	found = gabion_socket_look_up(skb, &packet);
	if (!found)
		return TC_ACT_UNSPEC;
	if (found->state == BPF_TCP_LISTEN) {
		listener = (struct sock *)bpf_skc_to_tcp_sock(found);
		if (listener && !bpf_sk_assign_tcp_reqsk(skb, listener, &attrs, sizeof(attrs)))
			take(all, &packet, now);
		else
			refuse(all, &packet, now);
	}
	bpf_sk_release(found);
	return TC_ACT_UNSPEC;
}

char gabion_license[] SEC("license") = "Dual BSD/GPL";
