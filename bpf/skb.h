/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet as a program at tc meets it. Its first bytes may lie elsewhere: they are pulled in when `least` of them are not here. Enough
 * for Ethernet, two tags, IPv6 and TCP is looked at.
 */
#ifndef GABION_SKB_H
#define GABION_SKB_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "lib/parse.h"

#define GABION_SKB_HEADERS_BYTES 128

static __always_inline __u32 gabion_parse_skb(struct __sk_buff *skb, __u32 least, struct gabion_packet *packet)
{
	__u32 wanted = skb->len < GABION_SKB_HEADERS_BYTES ? skb->len : GABION_SKB_HEADERS_BYTES;

	if (skb->data + least > skb->data_end && bpf_skb_pull_data(skb, wanted))
		return GABION_REASON_MALFORMED_ETHERNET;
	return gabion_parse((const __u8 *)(long)skb->data, (const __u8 *)(long)skb->data_end, skb->len, packet);
}

#endif
