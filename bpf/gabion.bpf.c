// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel stage: finds its tables, runs the pipeline, and turns the reason into what XDP does with the packet.
#include "ports.h"
#define GABION_WAY_OUT() gabion_way_out(GABION_SIDE_INSIDE)

#include "answer.h"
#include "pipeline.h"

#include "abi/sample.h"

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} xsks SEC(".maps");

const volatile struct gabion_settings gabion_settings = {
	.queues = 1, .late_ticks = 3, .hz = 250, .features = GABION_FEATURES_ALL, .checks = GABION_CHECKS_DEFAULT};

/* Puts the sample's data in front of the frame. Fails where the driver leaves no room for metadata. */
static __always_inline int write_sample(struct xdp_md *context, __u32 reason, __u32 one_in)
{
	struct gabion_sample *sample;

	if (bpf_xdp_adjust_meta(context, -(int)sizeof(*sample)))
		return 0;
	sample = (void *)(long)context->data_meta;
	if ((void *)(sample + 1) > (void *)(long)context->data)
		return 0;
	sample->magic = GABION_SAMPLE_MAGIC;
	sample->reason = (__u16)reason;
	sample->one_in = one_in;
	sample->time_ns = bpf_ktime_get_ns();
	return 1;
}

/* Returns the reason that holds in the end: the packet's own, or, its credit given back, `instead` or else why it could not go. */
static __noinline __u32 hand_over(struct xdp_md *context, __u32 chosen, __u32 one_in, __u32 instead)
{
	__u32 queue_index = context->rx_queue_index, reason = chosen;
	struct gabion_queue *queue;

	/* the socket first: a packet that then passes should not carry metadata, by which GRO would tell it from its neighbours */
	if (bpf_redirect_map(&xsks, queue_index, XDP_PASS) != XDP_REDIRECT)
		reason = GABION_REASON_HANDOVER_NO_WORKER;
	else if (!write_sample(context, instead ? instead : chosen, one_in))
		reason = GABION_REASON_HANDOVER_EXCLUDED;
	if (reason != chosen) {
		queue = gabion_at(&queues, queue_index);
		if (queue)
			gabion_unclaim(queue);
		if (instead)
			reason = instead;
	}
	return reason;
}

SEC("xdp")
int gabion(struct xdp_md *context)
{
	__u32 length = (__u32)(gabion_frame_end(context) - gabion_frame_begin(context)), reason, action;
	struct gabion_cpu *cpu = gabion_at(&cpus, bpf_get_smp_processor_id());
	struct gabion_tables tables = {.control = &control};
	struct gabion_arrival arrival;

	if (!cpu)
		return XDP_PASS; /* the loader made the maps large enough; the verifier cannot know */
	arrival.now = (__u32)bpf_jiffies64();
	GABION_MARK(&arrival, CLOCK);
	gabion_tally(&cpu->received, length);
	reason = gabion_front(context, &tables, cpu, &arrival);
	if (!reason) {
		arrival.queue = context->rx_queue_index;
		reason = gabion_rest(context, cpu, &arrival);
		if (gabion_hands_over(reason)) {
			reason = hand_over(context, reason, arrival.one_in, arrival.instead);
			GABION_MARK(&arrival, REDIRECT);
		} else if (gabion_answers(reason)) {
			reason = gabion_answer(context, cpu, &arrival, reason);
			GABION_MARK(&arrival, ANSWER);
		}
	}
	action = gabion_leave(&tables, cpu, &reason, length, arrival.now);
	GABION_MARK(&arrival, EXIT);
	return gabion_verdict(action);
}

char gabion_license[] SEC("license") = "Dual BSD/GPL";
