/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parser's last part: words of a UDP payload, and whom the frame is for. */
#ifndef GABION_LIB_PAYLOAD_H
#define GABION_LIB_PAYLOAD_H

#include "parse.h"

struct gabion_payload {
	const __u8 *at;
	const __u8 *end;
};

struct gabion_wire_word {
	__u32 word;
} GABION_WIRE;

GABION_INLINE struct gabion_payload gabion_udp_payload(GABION_FRAME *frame, const struct gabion_packet *packet)
{
	__u32 offset = packet->l4_offset + GABION_CAST(__u32, sizeof(struct gabion_wire_udp));
	struct gabion_payload payload;

	payload.end = gabion_frame_end(frame);
	__asm__("" : "+r"(offset));
	payload.at = gabion_frame_begin(frame) + (offset & 0xfff);
	return payload;
}

/* Four bytes as they stand, at most 508 into the payload. Whether there are as many. */
GABION_INLINE int gabion_payload_word(const struct gabion_payload *payload, __u32 offset, __u32 *word)
{
	const struct gabion_wire_word *at;

	__asm__("" : "+r"(offset));
	at = GABION_AT(struct gabion_wire_word, payload->at + (offset & 0x1ff));
	if (GABION_AT(__u8, at + 1) > payload->end)
		return 0;
	*word = at->word;
	return 1;
}

/* Ethernet's group bit: multicast and broadcast, which no router makes of what it forwards to a host. */
GABION_INLINE int gabion_frame_to_many(GABION_FRAME *frame)
{
	const __u8 *begin = gabion_frame_begin(frame);

	return begin + 1 <= gabion_frame_end(frame) && *begin & 1;
}

#endif
