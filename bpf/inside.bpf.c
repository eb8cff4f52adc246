// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Inline mode: what comes in by the inside port. It is forwarded to the outside port and not judged; what it vouches for is noted, as
// egress.bpf.c does for what this host sends. No packet leaves uncounted.
#include "note.h"
#include "ports.h"

#include "abi/cpu.h"
#include "lib/count.h"
#include "lib/link_control.h"
#include "lib/parse.h"

GABION_ARRAY(inside_cpus, 1, struct gabion_cpu);

__attribute__((noinline)) int observe(struct xdp_md *context)
{
	const struct gabion_sender sender = {.forwarded = GABION_FROM_INSIDE};
	const __u8 *begin = gabion_frame_begin(context), *end = gabion_frame_end(context);
	struct gabion_packet packet;

	if (gabion_parse(begin, end, (__u32)(end - begin), &packet) || !(packet.flags & GABION_PACKET_L4))
		return 0;
	return note(&packet, &sender);
}

static __always_inline __u32 judge(struct xdp_md *context)
{
	const __u8 *begin = gabion_frame_begin(context);
	const struct gabion_wire_ethernet *ethernet = (const struct gabion_wire_ethernet *)begin;

	if (gabion_egress_settings.features & GABION_FEATURE_LINK_CONTROL &&
	    begin + sizeof(*ethernet) <= gabion_frame_end(context) && gabion_link_control(ethernet))
		return GABION_REASON_LINK_CONTROL;
	observe(context);
	return gabion_way_out(GABION_SIDE_OUTSIDE) ? GABION_REASON_OUTBOUND : GABION_REASON_PORT_GONE;
}

SEC("xdp")
int gabion_inside(struct xdp_md *context)
{
	__u32 length = (__u32)(gabion_frame_end(context) - gabion_frame_begin(context)), reason;
	__u32 index = bpf_get_smp_processor_id();
	struct gabion_cpu *cpu = bpf_map_lookup_elem(&inside_cpus, &index);

	if (!cpu)
		return XDP_DROP; /* the loader made the map large enough; the verifier cannot know */
	gabion_tally(&cpu->received, length);
	reason = judge(context);
	gabion_tally(&cpu->reason[reason], length);
	return gabion_drops(reason) ? XDP_DROP : XDP_REDIRECT;
}

char gabion_license[] SEC("license") = "Dual BSD/GPL";
