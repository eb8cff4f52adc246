// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The far end of the private pair, where handed-over packets come back (tc ingress). `handback` is a plain classifier: it matches what
// our worker's socket sent, so that the action behind it (mirred) gives the packet to the protected interface. `foreign`, after it,
// drops the rest. Both count where packets arrive, in the interface's own `cpus`. The pair's receiving end merges TCP segments (GRO):
// each of them counts.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "abi/cpu.h"
#include "abi/settings.h"
#include "array.h"
#include "lib/count.h"

GABION_ARRAY(cpus, 1, struct gabion_cpu);

/* SO_MARK of the worker's socket: nobody else on this host can send with it on the private pair without CAP_NET_ADMIN. */
const volatile __u32 own_mark = 0;

/* What a classifier that does not act itself returns. */
#define NO_MATCH 0
#define MATCH	 -1

static __always_inline struct gabion_cpu *this_cpu(void)
{
	__u32 index = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&cpus, &index);
}

SEC("tc")
int handback(struct __sk_buff *skb)
{
	struct gabion_cpu *cpu;

	if (!own_mark || skb->mark != own_mark)
		return NO_MATCH;
	cpu = this_cpu();
	if (cpu) {
		cpu->handed_back.packets += skb->gso_segs > 1 ? skb->gso_segs : 1;
		cpu->handed_back.bytes += skb->len;
	}
	skb->mark = 0;
	return MATCH;
}

SEC("tc")
int foreign(struct __sk_buff *skb)
{
	struct gabion_cpu *cpu = this_cpu();

	if (cpu)
		gabion_tally(&cpu->foreign, skb->len);
	return TC_ACT_SHOT;
}

char gabion_license[] SEC("license") = "Dual BSD/GPL";
