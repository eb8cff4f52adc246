// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What an interface could not transmit of what XDP sends back (XDP_TX): no return value tells it, two of the kernel's tracepoints do. A driver
// raises the one for a single frame; those that transmit in bulk (veth) raise the other, with how many were dropped.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* The parts that are read; where they lie the kernel's own types tell at load. */
#define GABION_KERNEL __attribute__((preserve_access_index))

struct ns_common {
	unsigned int inum;
} GABION_KERNEL;
struct net {
	struct ns_common ns;
} GABION_KERNEL;
struct net_device {
	int ifindex;
	struct {
		struct net *net;
	} nd_net;
} GABION_KERNEL;

/* The interface: its number, and the inode of its network namespace, in which alone that is unique. */
const volatile int interface_index = 0;
const volatile unsigned int namespace_inode = 0;

__u64 lost = 0; /* frames, since this was loaded */

static __always_inline int ours(const struct net_device *device)
{
	return device->ifindex == interface_index && device->nd_net.net->ns.inum == namespace_inode;
}

/* device, program, action */
SEC("tp_btf/xdp_exception")
int one_lost(__u64 *arguments)
{
	const struct net_device *device = (const struct net_device *)arguments[0];

	if ((__u32)arguments[2] == XDP_TX && ours(device))
		__sync_fetch_and_add(&lost, 1);
	return 0;
}

/* device, sent, dropped, error */
SEC("tp_btf/xdp_bulk_tx")
int bulk_lost(__u64 *arguments)
{
	const struct net_device *device = (const struct net_device *)arguments[0];
	int dropped = (int)arguments[2];

	if (dropped > 0 && ours(device))
		__sync_fetch_and_add(&lost, (__u64)dropped);
	return 0;
}

char gabion_license[] SEC("license") = "Dual BSD/GPL";
