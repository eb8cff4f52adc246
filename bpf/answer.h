/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A SYN turned round in place into its answer: link addresses swapped, VLAN tag kept, the rest as bpf/lib/answer.h builds it. */
#ifndef GABION_ANSWER_H
#define GABION_ANSWER_H

#include "lib/answer.h"
#include "pipeline.h"

#define GABION_ETHERNET_SHORTEST 60 /* without its check sequence */

static __always_inline int gabion_turn_link(struct xdp_md *context)
{
	__u16 addresses[6], swapped[6];

	if (bpf_xdp_load_bytes(context, 0, addresses, sizeof(addresses)))
		return 0;
	__builtin_memcpy(swapped, addresses + 3, 6);
	__builtin_memcpy(swapped + 3, addresses, 6);
	return !bpf_xdp_store_bytes(context, 0, swapped, sizeof(swapped));
}

/*
 * Returns the reason that holds in the end: `chosen`, or CLEAN when the frame could not be made to hold the answer, and is as it was. In a
 * dry run nothing is answered.
 */
GABION_OUTLINE __u32 gabion_answer(struct xdp_md *context, const struct gabion_cpu *cpu,
				   const struct gabion_arrival *arrival, __u32 chosen)
{
	__u32 words[20], offset, length, bytes, header, wanted;

	if (!cpu || !arrival || control.dry_run)
		return chosen;
	offset = arrival->l3_offset & 31;
	header = arrival->version == 4 ? 28 : 48; /* the IP header, ports and sequence number */
	if (bpf_xdp_load_bytes(context, offset, words, header))
		return GABION_REASON_CLEAN;
	bytes = arrival->version == 4 ? gabion_answer4(&cpu->answer, words) : gabion_answer6(&cpu->answer, words);
	length = (__u32)(gabion_frame_end(context) - gabion_frame_begin(context));
	wanted = offset + bytes;
	if (wanted < GABION_ETHERNET_SHORTEST && length >= GABION_ETHERNET_SHORTEST)
		wanted = GABION_ETHERNET_SHORTEST;
	if (bytes < 40 || bytes > sizeof(words) || bpf_xdp_adjust_tail(context, (int)(wanted - length)))
		return GABION_REASON_CLEAN;
	if (!gabion_turn_link(context) || bpf_xdp_store_bytes(context, offset, words, bytes))
		return GABION_REASON_MALFORMED_TCP; /* cannot be: there is room */
	return chosen;
}

#endif
