/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Inline mode: where a packet leaves. The map has one entry a side (bpf/abi/port.h); the kernel takes out a port that is deleted. */
#ifndef GABION_PORTS_H
#define GABION_PORTS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi/port.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, GABION_SIDES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} ports SEC(".maps");

/* Chooses the port that XDP_REDIRECT means from now on; 0: it does not exist. */
static __always_inline int gabion_way_out(enum gabion_side side)
{
	return bpf_redirect_map(&ports, side, XDP_DROP) == XDP_REDIRECT;
}

#endif
