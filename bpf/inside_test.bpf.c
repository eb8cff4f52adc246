// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The inside port of an inline pair as tests run it: the same source, with the time from a map, and nothing redirected.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi/test.h"
#include "array.h"

GABION_ARRAY(test_run, 1, struct gabion_test_run);

static __always_inline __u32 test_now(void)
{
	__u32 zero = 0;
	struct gabion_test_run *run = bpf_map_lookup_elem(&test_run, &zero);

	return run ? run->now : 0;
}
#define GABION_NOTE_NOW() test_now()

#include "inside.h"

GABION_ARRAY(inside_cpus, 1, struct gabion_cpu);

SEC("xdp")
int gabion_inside_test(struct xdp_md *context)
{
	__u32 zero = 0;
	struct gabion_cpu *cpu = bpf_map_lookup_elem(&inside_cpus, &zero);

	if (!cpu)
		return XDP_ABORTED;
	return gabion_drops(gabion_inside_port(context, cpu)) ? XDP_DROP : XDP_REDIRECT;
}

char gabion_license[] SEC("license") = "Dual BSD/GPL";
