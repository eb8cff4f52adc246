// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel stage as tests run it: the same pipeline, with the time and the CPU's number (and with that the state of its random
// numbers) from a map, and nothing redirected.
/* The frame is named in vain, or clang would not care what is handed over in its place, and the verifier does. */
#define GABION_ASK_SOCKET(frame, tables, packet)                                                                       \
	({                                                                                                             \
		__asm__ volatile("" : : "r"(frame));                                                                   \
		gabion_socket_noted(tables, gabion_at(&sockets, 0), packet);                                           \
	})
#define GABION_ASK_COOKIE(frame, tables, packet, mss)                                                                  \
	({                                                                                                             \
		__asm__ volatile("" : : "r"(frame), "r"(mss));                                                         \
		gabion_cookie_noted(tables, gabion_at(&sockets, 0), packet);                                           \
	})
#include "maps.h"

#include "abi/connection.h"
#include "abi/test.h"

GABION_ARRAY(test_run, 1, struct gabion_test_run);
GABION_ARRAY(sockets, 1, struct gabion_socket_notes);

#include "answer.h"
#include "pipeline.h"

const volatile struct gabion_settings gabion_settings = {
	.queues = 1, .late_ticks = 3, .hz = 250, .features = GABION_FEATURES_ALL, .checks = GABION_CHECKS_DEFAULT};

SEC("xdp")
int gabion_test(struct xdp_md *context)
{
	__u32 length = (__u32)(gabion_frame_end(context) - gabion_frame_begin(context)), reason, action;
	struct gabion_test_run *run = gabion_at(&test_run, 0);
	struct gabion_tables tables = {.control = &control};
	struct gabion_arrival arrival = {.one_in = 1};
	struct gabion_cpu *cpu;

	if (!run)
		return XDP_ABORTED;
	cpu = gabion_at(&cpus, run->cpu);
	if (!cpu)
		return XDP_ABORTED;
	arrival.now = run->now;
	arrival.queue = run->queue;
	gabion_tally(&cpu->received, length);
	reason = gabion_front(context, &tables, cpu, &arrival);
	if (!reason)
		reason = gabion_rest(context, cpu, &arrival);
	if (gabion_answers(reason))
		reason = gabion_answer(context, cpu, &arrival, reason);
	action = gabion_leave(&tables, cpu, &reason, length, arrival.now);
	run = gabion_at(&test_run, 0); /* anew: kept, it would stand on a stack that is full */
	if (!run)
		return XDP_ABORTED;
	run->reason = reason;
	run->one_in = arrival.one_in;
	run->instead = arrival.instead;
	return gabion_verdict(action);
}

char gabion_license[] SEC("license") = "Dual BSD/GPL";
