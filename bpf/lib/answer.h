/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet that answers a SYN, built from what the stage agreed to (bpf/stage/syn.h) and from the SYN's own headers. Words in network
 * byte order; what lies behind the length is 0.
 */
#ifndef GABION_LIB_ANSWER_H
#define GABION_LIB_ANSWER_H

#include "../abi/syn.h"
#include "home.h"
#include "tcp_options.h"

#define GABION_ANSWER_TCP_WORDS 10 /* 20 bytes of header, 20 of options */
#define GABION_ANSWER_WINDOW                                                                                           \
	64240 /* 44 segments of Ethernet: what Linux offers first; the stack tells its own with the next ACK */
#define GABION_ANSWER_TTL 64

/* RFC 1071. */
GABION_INLINE __u16 gabion_checksum(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return GABION_CAST(__u16, ~sum);
}

/* None that the SYN did not bear: an answer is never longer than what it answers. */
GABION_INLINE __u32 gabion_answer_options(const struct gabion_syn_answer *answer, __u32 *words)
{
	__u32 count = 0;

	if (answer->mss)
		words[count++] = GABION_SWAP32(2u << 24 | 4u << 16 | answer->mss);
	if (answer->timestamps) {
		words[count & 1] = answer->sack ? GABION_SWAP32(4u << 24 | 2u << 16 | 8u << 8 | 10u)
						: GABION_SWAP32(1u << 24 | 1u << 16 | 8u << 8 | 10u);
		words[(count & 1) + 1] = GABION_SWAP32(answer->timestamp);
		words[(count & 1) + 2] = GABION_SWAP32(answer->echo);
		count += 3;
	} else if (answer->sack) {
		words[count & 1] = GABION_SWAP32(1u << 24 | 1u << 16 | 4u << 8 | 2u);
		count += 1;
	}
	if (answer->scale != GABION_TCP_NO_SCALE) {
		words[count & 7] = GABION_SWAP32(1u << 24 | 3u << 16 | 3u << 8 | answer->our_scale);
		count += 1;
	}
	return count;
}

/*
 * `tcp` holds the SYN's first two words, ports and sequence number, and gets the whole header, but for the pseudo-header's part of the
 * checksum. Returns its length in bytes.
 */
GABION_INLINE __u32 gabion_answer_tcp(const struct gabion_syn_answer *answer, __u32 *tcp, __u64 pseudo)
{
	__u32 flags = 0x12 | answer->ecn * 0x40u, count, bytes, i; /* SYN, ACK, ECE */
	__u64 sum;

	for (i = 2; i < GABION_ANSWER_TCP_WORDS; i++)
		tcp[i] = 0;
	count = 5 + gabion_answer_options(answer, tcp + 5);
	bytes = count * 4;
	tcp[2] = GABION_SWAP32(GABION_SWAP32(tcp[1]) + 1);
	tcp[1] = GABION_SWAP32(answer->cookie);
	tcp[0] = tcp[0] << 16 | tcp[0] >> 16;
	tcp[3] = GABION_SWAP32(count << 28 | flags << 16 | GABION_ANSWER_WINDOW);
	sum = pseudo + GABION_SWAP16(GABION_CAST(__u16, bytes)) + GABION_SWAP16(6);
	GABION_UNROLL
	for (i = 0; i < GABION_ANSWER_TCP_WORDS; i++)
		sum += tcp[i];
	tcp[4] = gabion_checksum(sum);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	tcp[4] <<= 16;
#endif
	return bytes;
}

/* `words` holds the IPv4 header and the first two of the TCP header. Returns the length of the answer. */
GABION_INLINE __u32 gabion_answer4(const struct gabion_syn_answer *answer, __u32 *words)
{
	__u32 source = words[3], bytes;

	bytes = 20 + gabion_answer_tcp(answer, words + 5, GABION_CAST(__u64, words[3]) + words[4]);
	words[0] = GABION_SWAP32(0x45000000u | bytes);
	words[1] = GABION_SWAP32(0x4000u);
	words[2] = GABION_SWAP32(GABION_CAST(__u32, GABION_ANSWER_TTL) << 24 | 6u << 16);
	words[3] = words[4];
	words[4] = source;
	source = gabion_checksum(GABION_CAST(__u64, words[0]) + words[1] + words[2] + words[3] + words[4]);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	source <<= 16;
#endif
	words[2] |= source;
	return bytes;
}

GABION_INLINE __u32 gabion_answer6(const struct gabion_syn_answer *answer, __u32 *words)
{
	__u32 bytes, i;
	__u64 sum = 0;

	GABION_UNROLL
	for (i = 2; i < 10; i++)
		sum += words[i];
	bytes = gabion_answer_tcp(answer, words + 10, sum);
	words[0] = GABION_SWAP32(0x60000000u);
	words[1] = GABION_SWAP32(bytes << 16 | 6u << 8 | GABION_ANSWER_TTL);
	GABION_UNROLL
	for (i = 2; i < 6; i++) {
		__u32 source = words[i];

		words[i] = words[i + 4];
		words[i + 4] = source;
	}
	return 40 + bytes;
}

#endif
