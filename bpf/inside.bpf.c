// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The inside port of an inline pair in the kernel (inside.h): what goes on leaves by the outside port.
#include "ports.h"
#define GABION_WAY_OUT() gabion_way_out(GABION_SIDE_OUTSIDE)

#include "inside.h"

GABION_ARRAY(inside_cpus, 1, struct gabion_cpu);

SEC("xdp")
int gabion_inside(struct xdp_md *context)
{
	__u32 index = bpf_get_smp_processor_id();
	struct gabion_cpu *cpu = bpf_map_lookup_elem(&inside_cpus, &index);

	if (!cpu)
		return XDP_DROP; /* the loader made the map large enough; the verifier cannot know */
	return gabion_drops(gabion_inside_port(context, cpu)) ? XDP_DROP : XDP_REDIRECT;
}

char gabion_license[] SEC("license") = "Dual BSD/GPL";
