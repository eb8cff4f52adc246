/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Parts of a frame that the parser does not keep, copied out of it where a stage needs them: the rest of a TCP header with its options,
 * and whether both link addresses are of one station.
 */
#ifndef GABION_LIB_PEEK_H
#define GABION_LIB_PEEK_H

#include "../abi/cpu.h"
#include "packet.h"
#include "parse.h"
#include "tcp_options.h"

/* `bytes`, at most 64 and at least 1, from `offset`. Returns whether they are there. */
GABION_INLINE int gabion_copy_out(GABION_FRAME *frame, __u32 offset, __u8 *to, __u32 bytes)
{
#ifdef __bpf__
	return !bpf_xdp_load_bytes(frame, offset, to, bytes);
#else
	if (frame->data + offset + bytes > frame->data_end)
		return 0;
	__builtin_memcpy(to, frame->data + offset, bytes);
	return 1;
#endif
}

/* Length of the TCP header, options included. */
GABION_INLINE __u32 gabion_tcp_bytes(const struct gabion_packet *packet)
{
	return packet->ip_length - (packet->l4_offset - packet->l3_offset) - packet->payload_length;
}

/* What stands in a TCP header from its flags on; kept with the CPU, since the stack is short. */
struct gabion_tcp_tail {
	__u32 flags; /* all of them: AE 256, CWR 128, ECE 64, ... */
	struct gabion_tcp_options options;
};

_Static_assert(8 + GABION_TCP_COPY_BYTES + sizeof(struct gabion_tcp_tail) <= 2 * GABION_CACHE_LINE,
	       "both have room there");

GABION_INLINE struct gabion_tcp_tail *gabion_tcp_tail_of(struct gabion_cpu *cpu)
{
#ifdef __cplusplus
	return reinterpret_cast<struct gabion_tcp_tail *>(cpu->scratch + 8 + GABION_TCP_COPY_BYTES);
#else
	return (struct gabion_tcp_tail *)(cpu->scratch + 8 + GABION_TCP_COPY_BYTES);
#endif
}

#define GABION_TCP_FLAGS_AT 12 /* the data offset and the flags; eight bytes before the options */

/* Out of line: whatever the options were, the verifier goes on from one state. */
GABION_OUTLINE int gabion_tcp_tail_read(GABION_FRAME *frame, const struct gabion_packet *packet, struct gabion_cpu *cpu)
{
	struct gabion_tcp_tail *tail;
	__u32 bytes;
	__u8 *copy;

	if (!packet || !cpu)
		return 0;
	tail = gabion_tcp_tail_of(cpu);
	copy = cpu->scratch;
	bytes = gabion_tcp_bytes(packet) - GABION_TCP_FLAGS_AT;
	__builtin_memset(copy, 0, 8 + GABION_TCP_COPY_BYTES);
	__asm__("" : "+r"(bytes));
	if (bytes < 8 || bytes > 48 || !gabion_copy_out(frame, packet->l4_offset + GABION_TCP_FLAGS_AT, copy, bytes))
		return 0;
	tail->flags = GABION_CAST(__u32, copy[0] & 1) << 8 | copy[1];
	gabion_tcp_options_read(copy + 8, bytes - 8, &tail->options);
	return 1;
}

/* Neither sent by nor to a group of stations (IEEE 802, the lowest bit of the first byte). */
GABION_INLINE int gabion_link_unicast(GABION_FRAME *frame)
{
	const __u8 *begin = gabion_frame_begin(frame);
	const struct gabion_wire_ethernet *ethernet = GABION_AT(struct gabion_wire_ethernet, begin);

	return begin + sizeof(*ethernet) <= gabion_frame_end(frame) &&
	       !((ethernet->destination[0] | ethernet->source[0]) & 1);
}

#endif
