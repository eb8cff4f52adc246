// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel stage: finds its tables, runs the pipeline, and turns the reason into what XDP does with the packet.
#include "pipeline.h"

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} xsks SEC(".maps");

const volatile struct gabion_settings gabion_settings = {.queues = 1, .late_ticks = 2, .hz = 250, .features = GABION_FEATURES_ALL};

SEC("xdp")
int gabion(struct xdp_md *context)
{
	const __u8 *begin = (const __u8 *)(long)context->data, *end = (const __u8 *)(long)context->data_end;
	__u32 length = (__u32)(context->data_end - context->data), now = (__u32)bpf_jiffies64(), reason;
	struct gabion_cpu *cpu = gabion_at(&cpus, bpf_get_smp_processor_id());
	struct gabion_tables tables = {.control = gabion_at(&control, 0)};

	if (!cpu || !tables.control)
		return XDP_PASS;
	reason = gabion_pipeline(begin, end, length, &tables, cpu, now);
	reason = gabion_leave(cpu, reason, length, gabion_has(&tables, GABION_FEATURE_DRY_RUN) && tables.control->dry_run);
	return gabion_drops(reason) ? XDP_DROP : XDP_PASS;
}

char gabion_license[] SEC("license") = "Dual BSD/GPL";
