// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel stage as tests run it: the same pipeline, with the time and the CPU's number (and with that the state of its random
// numbers) from a map, and nothing redirected.
#include "pipeline.h"

#include "abi/test.h"

GABION_ARRAY(test_run, 1, struct gabion_test_run);

const volatile struct gabion_settings gabion_settings = {
	.queues = 1, .late_ticks = 3, .hz = 250, .features = GABION_FEATURES_ALL};

SEC("xdp")
int gabion_test(struct xdp_md *context)
{
	struct gabion_test_run *run = gabion_at(&test_run, 0);
	struct gabion_tables tables = {.control = gabion_at(&control, 0)};
	struct gabion_input input = {
		.begin = (const __u8 *)(long)context->data,
		.end = (const __u8 *)(long)context->data_end,
		.length = (__u32)(context->data_end - context->data),
	};
	struct gabion_output output;
	struct gabion_cpu *cpu;

	if (!run || !tables.control)
		return XDP_ABORTED;
	cpu = gabion_at(&cpus, run->cpu);
	if (!cpu)
		return XDP_ABORTED;
	input.now = run->now;
	input.queue = run->queue;
	gabion_tally(&cpu->received, input.length);
	output = gabion_pipeline(&input, &tables, cpu);
	output.reason = gabion_leave(&tables, cpu, output.reason, input.length);
	run->reason = output.reason;
	run->one_in = output.one_in;
	if (gabion_hands_over(output.reason))
		return XDP_REDIRECT;
	return gabion_drops(output.reason) ? XDP_DROP : XDP_PASS;
}

char gabion_license[] SEC("license") = "Dual BSD/GPL";
