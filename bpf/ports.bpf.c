// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Inline mode: counts what was forwarded and could not leave (bpf/abi/port.h). The kernel learns of that after the XDP program is done
// with the packet, and tells by tracepoints. Works without the daemon: its links are pinned.
#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "abi/port.h"
#include "array.h"

GABION_ARRAY(port_counts, GABION_SIDES, struct gabion_port);

/* The one member that is read, wherever the running kernel has it. */
struct net_device {
	int ifindex;
} __attribute__((preserve_access_index));

static __always_inline struct gabion_port *port_at(enum gabion_side side)
{
	__u32 index = side;

	return bpf_map_lookup_elem(&port_counts, &index);
}

/* Where the pair forwards what came in at `from`; NULL: it is none of its ports. */
static __always_inline struct gabion_port *way_out_of(const struct net_device *from)
{
	struct gabion_port *outside = port_at(GABION_SIDE_OUTSIDE), *inside = port_at(GABION_SIDE_INSIDE);
	__u32 index = (__u32)from->ifindex;

	if (!outside || !inside || !index)
		return NULL;
	if (index == outside->ifindex)
		return inside;
	return index == inside->ifindex ? outside : NULL;
}

/* The driver took `sent` frames of a lot and the kernel dropped the others. */
SEC("tp_btf/xdp_devmap_xmit")
int BPF_PROG(transmitted, const struct net_device *from, const struct net_device *to, int sent, int drops, int err)
{
	struct gabion_port *port;

	(void)ctx, (void)to, (void)sent, (void)err;
	if (drops <= 0)
		return 0;
	port = way_out_of(from);
	if (port)
		__sync_fetch_and_add(&port->full, (__u64)drops);
	return 0;
}

/* A frame did not get as far as the driver. */
SEC("tp_btf/xdp_redirect_err")
int BPF_PROG(refused, const struct net_device *from, const void *program, const void *to, int err,
	     enum bpf_map_type map_type)
{
	struct gabion_port *port;

	(void)ctx, (void)program, (void)to;
	if (map_type != BPF_MAP_TYPE_DEVMAP)
		return 0;
	port = way_out_of(from);
	if (!port)
		return 0;
	if (err == -ENETDOWN)
		__sync_fetch_and_add(&port->down, 1);
	else if (err == -EMSGSIZE)
		__sync_fetch_and_add(&port->too_long, 1);
	else
		__sync_fetch_and_add(&port->refused, 1);
	return 0;
}

/* Generic mode: the driver of the port, which is named here, did not take a frame. */
SEC("tp_btf/xdp_exception")
int BPF_PROG(not_taken, const struct net_device *port_device, const void *program, __u32 action)
{
	struct gabion_port *outside = port_at(GABION_SIDE_OUTSIDE), *inside = port_at(GABION_SIDE_INSIDE);
	__u32 index = (__u32)port_device->ifindex;

	(void)ctx, (void)program;
	if (action != XDP_TX || !outside || !inside || !index)
		return 0;
	if (index == outside->ifindex)
		__sync_fetch_and_add(&outside->full, 1);
	else if (index == inside->ifindex)
		__sync_fetch_and_add(&inside->full, 1);
	return 0;
}

char gabion_license[] SEC("license") = "Dual BSD/GPL";
